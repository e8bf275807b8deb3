import { fault } from "../fault.ts";
import { iso } from "../ids.ts";
import type { Context } from "./context.ts";
import { emit } from "./events.ts";
import { ENVIRONMENTS, type Environment } from "./policy.ts";
import { policyOf } from "./rows.ts";
import { nextChange, openingAt } from "./windows.ts";

/** What was last told of an environment that windows concern; there is none for another one. */
interface OpeningRow {
  environment: Environment;
  open: number;
  /** When that was to change. null: not in sight. */
  until: number | null;
  due_at: number;
}

/** What does not change in sight is looked at again: windows are looked at no further ahead than a year or so. */
const AGAIN_MS = 24 * 3_600_000;

/** Tells what other windows mean at once. Inside the transaction that changes them. */
export function windowsChanged(context: Context): void {
  for (const environment of ENVIRONMENTS) {
    context.sql.run("DELETE FROM troubles WHERE key = ?", `window/${environment}`);
    tell(context, environment);
  }
}

/** The step of one environment whose windows open or close now. */
export function windowsDue(context: Context, environment: string): void {
  context.change(() => {
    const row = openingRow(context, environment);
    if (row !== null && row.due_at <= context.now()) {
      tell(context, row.environment);
    }
  });
  fault("window.told", context.state);
}

/**
 * Tells whether deploys may start, if that is not what was told last. Of changes that passed while nothing ran only what came
 * of them is told, even where that is the same again: the time until which it was to hold is over.
 */
function tell(context: Context, environment: Environment): void {
  const { sql } = context;
  const now = context.now();
  const told = openingRow(context, environment);
  const windows = policyOf(sql).windows.filter(
    (window) => window.environment === null || window.environment === environment,
  );
  if (windows.length === 0 && told === null) {
    return;
  }
  const { open, until: opens, reason } = openingAt(windows, environment, now);
  const until = open ? nextChange(windows, environment, now) : opens;
  const passed = told !== null && told.until !== null && told.until <= now;
  if (passed || open !== (told === null || told.open === 1)) {
    emit(context, open ? "project.window_opened" : "project.window_closed", {
      environment,
      until: until === null ? null : iso(until),
      reason,
    });
  }
  sql.run("DELETE FROM openings WHERE environment = ?", environment);
  if (windows.length > 0) {
    sql.insert("openings", {
      environment,
      open: Number(open),
      until,
      due_at: until ?? now + AGAIN_MS,
    });
  }
}

function openingRow({ sql }: Context, environment: string): OpeningRow | null {
  return sql.one<OpeningRow>("SELECT * FROM openings WHERE environment = ?", environment);
}
