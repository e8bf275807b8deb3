import { vi } from "vitest";

import { Instance } from "../../../src/instance/instance.ts";
import { Project } from "../../../src/project/project.ts";
import type { World } from "./world.ts";

/** What Cloudflare bills of objects, of all that there are. */
export interface Billed {
  readonly rowsRead: number;
  /** Entries of indexes and alarms that are set count as well. */
  readonly rowsWritten: number;
  /** How often each method was called from outside; an alarm that fires is a request, too. */
  readonly requests: Readonly<Record<string, number>>;
}

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Counts from now on; the answer says what has come together until it is called. Spies end with the test's others. */
export async function meter(world: World): Promise<() => Billed> {
  const storage = await world.inside(
    (_, state) => Object.getPrototypeOf(state.storage) as DurableObjectStorage,
  );
  const sql = await world.inside(
    (_, state) => Object.getPrototypeOf(state.storage.sql) as SqlStorage,
  );
  const statements = vi.spyOn(sql, "exec");
  const alarms = vi.spyOn(storage, "setAlarm");
  const methods = [Project, Instance].flatMap(({ name, prototype }) =>
    Object.getOwnPropertyNames(prototype)
      .filter((method) => method !== "constructor")
      .map((method) => ({
        name: `${name}.${method}`,
        spy: vi.spyOn(prototype as unknown as Methods, method),
      })),
  );
  return () => {
    const cursors = statements.mock.results.map(
      ({ value }) => value as Pick<SqlStorageCursor<never>, "rowsRead" | "rowsWritten"> | undefined,
    );
    const sum = (rows: "rowsRead" | "rowsWritten"): number =>
      cursors.reduce((total, cursor) => total + (cursor?.[rows] ?? 0), 0);
    return {
      rowsRead: sum("rowsRead"),
      rowsWritten: sum("rowsWritten") + alarms.mock.calls.length,
      requests: Object.fromEntries(
        methods
          .filter(({ spy }) => spy.mock.calls.length > 0)
          .map(({ name, spy }) => [name, spy.mock.calls.length]),
      ),
    };
  };
}
