import type { DeployRow } from "./rows.ts";
import type { Deploy, WaitingFor } from "./shapes.ts";

/**
 * How long a deploy has waited, and for what. It is counted until the deploy first asks Cloudflare for something, each
 * moment for the one reason that is told of it then; what is neither was spent on its way.
 */
type Counted = Pick<DeployRow, "waits" | "wait_for" | "wait_since">;

/** What changes when it waits for something else from now on; null: for nothing. */
export function waitsFor(
  row: DeployRow,
  next: WaitingFor | null,
  now: number,
): Counted | Record<string, never> {
  return row.wait_for === next || (row.attempts > 0 && next !== null)
    ? {}
    : {
        waits: JSON.stringify(sums(row, now)),
        wait_for: next,
        wait_since: next === null ? null : now,
      };
}

export function waitsOf(row: DeployRow, now: number): Pick<Deploy, "waited_ms" | "waits"> {
  return {
    waited_ms: (row.started_at ?? row.ended_at ?? now) - row.created_at,
    waits: Object.entries(sums(row, now))
      .filter(([, ms]) => ms > 0)
      .map(([reason, ms]) => ({ for: reason as WaitingFor, ms })),
  };
}

function sums(row: Counted, now: number): Partial<Record<WaitingFor, number>> {
  const known = JSON.parse(row.waits) as Partial<Record<WaitingFor, number>>;
  const { wait_for: open, wait_since: since } = row;
  return open === null || since === null
    ? known
    : { ...known, [open]: (known[open] ?? 0) + now - since };
}
