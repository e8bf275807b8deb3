import type { Journal } from "../../sandbox/types.ts";

/** What the sandbox's journal says of the deploys that were asked for: the other side's view of the same story. */

const ENDED = ["failure", "canceled", "skipped"];

/** The deployments that create calls of a project made, in order, whether or not the answer arrived. */
export function madeFor(journal: Journal, project: string): string[] {
  return journal.requests
    .filter(
      (request) =>
        request.method === "POST" &&
        request.project === project &&
        request.path.endsWith("/deployments") &&
        request.deployment !== null,
    )
    .map(({ deployment }) => deployment ?? "");
}

/** Two of these deployments that were in flight at the same time, from create call to last transition; null if none were. */
export function overlap(journal: Journal, deployments: readonly string[]): [string, string] | null {
  const flights = deployments
    .map((id) => ({ id, ...flightOf(journal, id) }))
    .sort((a, b) => a.from - b.from);
  for (const [index, flight] of flights.entries()) {
    const next = flights[index + 1];
    if (next !== undefined && next.from < flight.to) {
      return [flight.id, next.id];
    }
  }
  return null;
}

/** What is live on a branch by now. */
export function liveOn(journal: Journal, project: string, branch: string): string | null {
  return (
    journal.live.findLast((entry) => entry.project === project && entry.branch === branch)
      ?.deployment ?? null
  );
}

/** When the create request of a deployment arrived; NaN when none did. */
export function askedAt(journal: Journal, id: string): number {
  const call = journal.requests.find(
    ({ deployment, method, path }) =>
      deployment === id && method === "POST" && path.endsWith("/deployments"),
  );
  return Date.parse(call?.at ?? "");
}

function flightOf(journal: Journal, id: string): { from: number; to: number } {
  const last = journal.transitions.find(
    ({ deployment, stage, stage_status: status }) =>
      deployment === id && (ENDED.includes(status) || (stage === "deploy" && status === "success")),
  );
  return {
    from: askedAt(journal, id),
    to: last === undefined ? Infinity : Date.parse(last.at),
  };
}
