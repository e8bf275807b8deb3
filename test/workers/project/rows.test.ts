import { expect, it, vi } from "vitest";

import { projectRow } from "../../../src/project/rows.ts";
import { World } from "../support/world.ts";

const NUMBER = "UPDATE project SET next_number = 77";

it("the project's row is read once, until something is written that names its table", async () => {
  const world = await World.create();
  await world.inside(({ context: { sql } }, { storage }) => {
    const reads = vi.spyOn(Object.getPrototypeOf(storage.sql) as SqlStorage, "exec");
    sql.run(NUMBER);
    expect([projectRow(sql), projectRow(sql)]).toMatchObject([
      { next_number: 77 },
      { next_number: 77 },
    ]);
    sql.run("DELETE FROM locks");
    projectRow(sql);
    expect(reads.mock.calls.filter(([query]) => query === "SELECT * FROM project")).toHaveLength(1);
    sql.run("UPDATE project SET next_number = 78");
    expect(projectRow(sql).next_number).toBe(78);
    reads.mockRestore();
  });
});

it("what a transaction took back is not remembered", async () => {
  const world = await World.create();
  await world.inside(({ context: { sql } }) => {
    const before = projectRow(sql).next_number;
    expect(() =>
      sql.transaction(() => {
        sql.run(NUMBER);
        expect(projectRow(sql).next_number).toBe(77);
        throw new Error("taken back");
      }),
    ).toThrow("taken back");
    expect(projectRow(sql).next_number).toBe(before);
  });
});
