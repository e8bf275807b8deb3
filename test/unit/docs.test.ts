/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";

import { MIGRATIONS as INSTANCE } from "../../src/instance/schema.ts";
import { CODES } from "../../src/problem.ts";
import { CATALOGUE } from "../../src/project/catalogue.ts";
import { MIGRATIONS as PROJECT } from "../../src/project/schema.ts";
import { EventType, WaitingFor } from "../../src/project/shapes.ts";

const PAGES: Record<string, string> = import.meta.glob("../../docs/*.md", {
  query: "?raw",
  import: "default",
  eager: true,
});
const SOURCES: Record<string, string> = import.meta.glob("../../src/project/reasons.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});
const rowBefore = (text: string, row: string): string => {
  const lines = text.split("\n");
  return lines[lines.indexOf(row) - 1] ?? "";
};
const page = (name: string): string => PAGES[`../../docs/${name}`] ?? "";

/** Pages that list what the code has; what is added here and not there makes them untrue. */
describe("the documents", () => {
  it("name every error code", () => {
    const text = page("api.md");
    expect(Object.keys(CODES).filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
  });

  it("name every reason's code", () => {
    const section = page("api.md").split("## Reasons")[1] ?? "";
    const codes = [
      ...Object.values(SOURCES)
        .join("")
        .matchAll(/code: "([a-z_]+)"/g),
    ].map(([, code]) => code ?? "");
    codes.push(...WaitingFor.options);
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((code) => !section.includes(`\`${code}\``))).toEqual([]);
  });

  it("name every event type", () => {
    const text = page("events.md");
    expect(EventType.options.filter((type) => !text.includes(`\`${type}\``))).toEqual([]);
  });

  it("name every field of every event", () => {
    const text = page("events.md");
    const missing = EventType.options.flatMap((type) => {
      const row = text.split("\n").find((line) => line.startsWith(`| \`${type}\` `)) ?? "";
      const same = row.includes("| the same") ? rowBefore(text, row) : "";
      return Object.keys(CATALOGUE[type].data.shape)
        .filter((field) => field !== "deploy" && !`${row}${same}`.includes(`"${field}"`))
        .map((field) => `${type}: ${field}`);
    });
    expect(missing).toEqual([]);
  });

  it("name every table and every column", () => {
    const text = page("storage.md");
    const sql = [...PROJECT, ...INSTANCE].map((m) => m.sql).join("\n");
    const tables = [...sql.matchAll(/CREATE TABLE (\w+)/g)]
      .map((m) => m[1] ?? "")
      .filter((table) => !sql.includes(`DROP TABLE ${table};`));
    const columns = [...sql.matchAll(/^(?: {2}|ALTER TABLE \w+ ADD COLUMN )([a-z_]+) [A-Z]/gm)].map(
      (m) => m[1] ?? "",
    );
    expect(tables.length).toBeGreaterThan(10);
    const missing = [...tables, ...columns].filter((name) => !text.includes(`\`${name}\``));
    expect([...new Set(missing)]).toEqual([]);
  });
});
