import type { Journal } from "../../sandbox/types.ts";
import type { Deploy, Event, ProjectView } from "../../src/project/shapes.ts";
import { rowsOf } from "../../test/e2e/support/objects.ts";
import { liveOn, madeFor, overlap } from "../demo/journal.ts";
import type { Load } from "./load.ts";
import type { Stage, Subscriber } from "./stage.ts";

/** What was promised against what happened, after everything has come to its end. */
export interface Ledger {
  readonly counts: Readonly<Record<string, number>>;
  /** Promises that were not kept; empty if all is well. */
  readonly broken: readonly string[];
}

interface Book {
  readonly project: string;
  readonly deploys: readonly Deploy[];
  readonly events: readonly Event[];
  readonly journal: Journal;
}

export async function reconcile(stage: Stage, load: Load, dir: string): Promise<Ledger> {
  const broken = [...load.wrong];
  const journal = await stage.pages.journal();
  const counts = {
    "triggers answered": load.answered.length,
    "requests cut off": load.cut,
    "requests repeated": load.repeated,
    "refused for now": [...load.refused.values()].reduce((sum, n) => sum + n, 0),
    deploys: 0,
    "deployments made": 0,
    events: 0,
    "deliveries heard": 0,
  };
  for (const project of stage.projects) {
    const deploys = await stage.signalbox.deploys(project);
    const events = await stage.signalbox.events(project);
    const book = { project, deploys, events, journal };
    counts.deploys += deploys.length;
    counts.events += events.length;
    counts["deployments made"] += madeFor(journal, project).length;
    broken.push(
      ...triggersOf(book, load),
      ...deploymentsOf(book),
      ...orderOf(book),
      ...eventsOf(book),
      ...rowsLeftOf(book, load, dir),
    );
    for (const subscriber of stage.subscribers.filter((one) => one.project === project)) {
      counts["deliveries heard"] += subscriber.receiver.heard.length;
      broken.push(...toldOf(book, subscriber));
    }
  }
  return { counts, broken };
}

/** What is still to come. */
export async function openIn(stage: Stage, dir: string): Promise<string[]> {
  const open: string[] = [];
  for (const project of stage.projects) {
    const view = await stage.signalbox.ask<ProjectView>("GET", `/v1/projects/${project}`);
    const events = await stage.signalbox.events(project);
    const own = stage.subscribers.filter((one) => one.project === project);
    open.push(
      ...[...view.running, ...view.waiting].map(
        ({ number, status, reason }) => `${project} #${number} is ${status}: ${reason}`,
      ),
      ...view.leftovers.map((left) => `${project}: ${left.kind} ${left.deployment_id}`),
      ...rowsOf(dir, project, "SELECT id FROM schedules WHERE ended_at IS NULL").map(
        ({ id }) => `${project}: the schedule ${String(id)}`,
      ),
      ...rowsOf(dir, project, "SELECT id FROM uploads WHERE state <> 'sealed'").map(
        ({ id }) => `${project}: the upload ${String(id)}`,
      ),
      ...own.flatMap((one) =>
        missedBy(one, events).map(({ sequence }) => `${project}: event ${sequence} for ${one.id}`),
      ),
    );
  }
  return open;
}

/** Each answered trigger has a deploy, and that has ended as it may; each key has one. */
function triggersOf({ project, deploys }: Book, load: Load): string[] {
  const broken: string[] = [];
  const byId = new Map(deploys.map((deploy) => [deploy.id, deploy]));
  const byCommit = Map.groupBy(deploys, ({ commit_hash: commit }) => commit ?? "");
  for (const { door, key, deployId, project: own } of load.answered) {
    const made = deployId === null ? (byCommit.get(key) ?? [])[0] : byId.get(deployId);
    if (own === project && made === undefined) {
      broken.push(`${project}: the answered ${door} ${key.slice(0, 7)} has no deploy ${deployId}`);
    }
  }
  for (const { number, status, reason, ended_at: ended, id, superseded_by: by } of deploys) {
    const right =
      ended !== null &&
      (status === "succeeded" ||
        (status === "canceled" && load.canceled.has(id)) ||
        (status === "superseded" && (byId.get(by ?? "")?.number ?? Infinity) > number));
    if (!right) {
      broken.push(`${project} #${number} is ${status}: ${reason}`);
    }
  }
  const gone = deploys.filter(({ kind }) => kind !== "rollback" && kind !== "promote");
  for (const [commit, own] of Map.groupBy(gone, ({ commit_hash: hash }) => hash ?? "")) {
    if (commit !== "" && own.length > 1) {
      broken.push(`${project}: ${own.length} deploys of the one trigger ${commit.slice(0, 7)}`);
    }
  }
  return broken;
}

/** Each deployment that the sandbox made is that of one deploy, and each deploy has one at most. */
function deploymentsOf({ project, deploys, journal }: Book): string[] {
  const broken: string[] = [];
  const own = deploys.filter(({ kind }) => kind !== "rollback");
  const owners = Map.groupBy(
    own.filter(({ deployment }) => deployment !== null),
    ({ deployment }) => deployment?.id ?? "",
  );
  for (const id of madeFor(journal, project)) {
    const count = owners.get(id)?.length ?? 0;
    if (count !== 1) {
      broken.push(`${project}: the deployment ${id} is that of ${count} deploys`);
    }
  }
  for (const { number, status, deployment } of own) {
    if (status === "succeeded" && deployment === null) {
      broken.push(`${project} #${number} succeeded with no deployment`);
    }
  }
  return broken;
}

/** No two of a lane at once, and nothing older than the newest success is live. */
function orderOf({ project, deploys, journal }: Book): string[] {
  const broken: string[] = [];
  // Of what was abandoned, the lane is free while it may go on.
  const whole = deploys.filter(({ kind, status }) => kind !== "rollback" && status === "succeeded");
  const lanes = Map.groupBy(whole, ({ target }) => (project === "docs" ? target : "all"));
  for (const [lane, own] of lanes) {
    const both = overlap(
      journal,
      own.flatMap(({ deployment }) => deployment?.id ?? []),
    );
    if (both !== null) {
      broken.push(`${project}: ${both.join(" and ")} ran at once in the lane ${lane}`);
    }
  }
  for (const [target, own] of Map.groupBy(deploys, (deploy) => deploy.target)) {
    const numberOf = (id: string | null): number =>
      Math.max(
        0,
        ...own.filter(({ deployment }) => deployment?.id === id).map(({ number }) => number),
      );
    const newest = own.find(({ status }) => status === "succeeded");
    const branch = own[0]?.branch ?? "";
    const live = liveOn(journal, project, branch);
    if (newest !== undefined && numberOf(live) < newest.number) {
      broken.push(`${project} ${target}: #${numberOf(live)} is live, over #${newest.number}`);
    }
    // What went live by itself, in the order in which it did: an older one only if nothing counted on it any more.
    const gone = new Set(
      own.filter(({ status }) => status !== "succeeded").map(({ deployment }) => deployment?.id),
    );
    const came = journal.live.filter(
      (entry) =>
        entry.project === project &&
        entry.branch === branch &&
        entry.cause === "deployed" &&
        !gone.has(entry.deployment ?? ""),
    );
    const made = new Map(
      own
        .filter(({ kind }) => kind !== "rollback")
        .map(({ deployment, number }) => [deployment?.id, number]),
    );
    const numbers = came.map(({ deployment }) => made.get(deployment ?? "") ?? 0);
    if (numbers.some((number, n) => number < (numbers[n - 1] ?? 0))) {
      broken.push(`${project} ${target}: went live in the order ${numbers.map(String).join(", ")}`);
    }
  }
  return broken;
}

/** Numbered without a gap; one end for each deploy. */
function eventsOf({ project, deploys, events }: Book): string[] {
  const broken: string[] = [];
  if (events.some(({ sequence }, n) => sequence !== n + 1)) {
    broken.push(`${project}: its events have a gap`);
  }
  const ended = new Set(
    events.flatMap(({ data }) => {
      const { deploy } = data as { deploy?: Deploy };
      return deploy === undefined || deploy.ended_at === null ? [] : [deploy.id];
    }),
  );
  const silent = deploys.filter(({ id }) => !ended.has(id));
  return [...broken, ...silent.map(({ number }) => `${project} #${number}: its end was not told`)];
}

/** Everything is told to each, its first attempts in order, and nothing else with a signature of ours. */
function toldOf({ project, events }: Book, subscriber: Subscriber): string[] {
  const { heard, refused } = subscriber.receiver;
  const missed = missedBy(subscriber, events).map(({ sequence }) => sequence);
  const first = subscriber.receiver.events().map(({ sequence }) => sequence);
  const byId = new Map(events.map((event) => [event.id, event.sequence]));
  const strange = heard.filter(({ event }) => byId.get(event.id) !== event.sequence);
  return [
    ...(missed.length > 0 ? [`${project}: ${subscriber.id} never heard ${missed.join(", ")}`] : []),
    ...(first.some((sequence, n) => sequence <= (first[n - 1] ?? 0))
      ? [`${project}: ${subscriber.id} heard first of things out of order`]
      : []),
    ...strange.map(({ event }) => `${project}: ${subscriber.id} heard of an unknown ${event.id}`),
    ...refused.map((why) => `${project}: ${subscriber.id} was sent what it can't believe: ${why}`),
  ];
}

function missedBy({ id, receiver, after }: Subscriber, events: readonly Event[]): Event[] {
  const heard = new Set(receiver.heard.map(({ event }) => event.id));
  return events.filter(
    (event) =>
      event.sequence > after &&
      !heard.has(event.id) &&
      // What happens to a subscriber is told to the others only.
      !(event.type.startsWith("subscriber.") && event.data["subscriber_id"] === id),
  );
}

/** Each schedule was asked once; of uploads nothing is left but what is kept for a retry. */
function rowsLeftOf({ project }: Book, load: Load, dir: string): string[] {
  const broken: string[] = [];
  const asked = rowsOf(dir, project, "SELECT dedupe_key FROM triggers WHERE kind = 'schedule'");
  for (const { id } of load.schedules.filter((schedule) => schedule.project === project)) {
    const times = asked.filter((row) => String(row["dedupe_key"]).startsWith(`${id}/`)).length;
    if (times !== 1) {
      broken.push(`${project}: the schedule ${id} was asked ${times} times`);
    }
  }
  const left = {
    "open uploads": "SELECT 1 FROM uploads WHERE state <> 'sealed'",
    "chunks of no upload":
      "SELECT 1 FROM upload_chunks WHERE upload_id NOT IN (SELECT id FROM uploads)",
    "rows in quarantine": "SELECT 1 FROM troubles",
  };
  for (const [what, query] of Object.entries(left)) {
    const { length } = rowsOf(dir, project, query);
    if (length > 0) {
      broken.push(`${project}: ${length} ${what}`);
    }
  }
  return broken;
}
