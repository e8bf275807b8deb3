import type { JournalLive } from "../../../../sandbox/types.ts";
import type { Deploy, Event } from "../../../../src/project/shapes.ts";
import type { Sql } from "../../../../src/sql.ts";
import type { World } from "../world.ts";

/** A deployment that the sandbox really made for us. */
export interface Made {
  readonly id: string;
  readonly at: number;
  /** When its deploy was claimed for it: nothing that stops deploys stops it from then on. */
  readonly claimedAt: number;
  /** When it was terminal at Cloudflare. */
  readonly endedAt: number | null;
  readonly branch: string;
  readonly environment: "production" | "preview";
  readonly message: string;
  /** So long nobody could see it, as its answer was lost too. */
  readonly hiddenMs: number;
}

/** Everything that can be known at one moment: our own word, and what others know. */
export type Seen = SeenInside & SeenOutside;

export interface SeenInside {
  /** By number. */
  readonly deploys: readonly Deploy[];
  readonly events: readonly Event[];
  readonly triggers: readonly TriggerSeen[];
  readonly alarm: number | null;
  /** Bodies that stream in. */
  readonly streaming: number;
  /** The deployments of those that are watched still. */
  readonly leftovers: readonly string[];
  readonly watches: number;
  readonly troubles: readonly string[];
}

export interface SeenOutside {
  readonly now: number;
  /** Something is under way and has not ended. */
  readonly busy: boolean;
  readonly alarmLost: boolean;
  readonly made: readonly Made[];
  readonly live: readonly JournalLive[];
}

export interface TriggerSeen {
  readonly id: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly reason_code: string | null;
  readonly deploy_id: string | null;
}

export function lookInside(world: World): Promise<SeenInside> {
  return world.retrying(() =>
    world.inside(async (project, state) => {
      const { sql } = project.context;
      const count = (from: string): number =>
        sql.one<{ n: number }>(`SELECT COUNT(*) AS n FROM ${from}`)?.n ?? -1;
      return {
        deploys: project
          .deploys({ limit: 1_000, before: null, branch: null, environment: null, status: null })
          .toReversed(),
        events: project.events(0, 10_000),
        triggers: sql.all<TriggerSeen & Record<string, string | null>>(
          "SELECT id, outcome, reason, reason_code, deploy_id FROM triggers",
        ),
        alarm: await state.storage.getAlarm(),
        leftovers: openLeftovers(sql),
        watches: count("stray_watches"),
        streaming: count("uploads WHERE state = 'open'"),
        troubles: sql
          .all<{ key: string; error: string }>("SELECT key, error FROM troubles")
          .map(({ key, error }) => `${key}: ${error}`),
      };
    }),
  );
}

/** @param lateBy how long each late deployment stays hidden, in the order in which those faults were set */
export function lookOutside(world: World, lateBy: readonly number[]): SeenOutside {
  const { requests, live } = world.sandbox.journal();
  const endedAt = terminal(world);
  let late = 0;
  const made = requests
    .filter((r) => r.project === world.name && r.method === "POST")
    .filter((r) => r.path.endsWith("/deployments"))
    // Those of others use up faults as well.
    .map((r) => ({ ...r, hiddenMs: r.fault === "late" ? (lateBy[late++] ?? 0) : 0 }))
    .filter(({ deployment }) => world.sent.has(deployment ?? ""))
    .map(({ deployment, at, hiddenMs }): Made => {
      const id = deployment ?? "";
      const field = (name: string): string =>
        world.sandbox.form(id)?.parts.find((part) => part.name === name)?.text ?? "";
      const branch = field("branch");
      return {
        id,
        at: Date.parse(at),
        claimedAt: world.sent.get(id)?.claimedAt ?? Date.parse(at),
        endedAt: endedAt.get(id) ?? null,
        branch,
        environment: branch === "main" ? "production" : "preview",
        message: field("commit_message"),
        hiddenMs,
      };
    });
  return {
    now: world.now(),
    busy: world.busy,
    alarmLost: world.alarmLost,
    made,
    live: live.filter((l) => l.project === world.name),
  };
}

/** When each deployment that is terminal at the sandbox became that. */
export function terminal(world: World): Map<string, number> {
  const ends = world.sandbox
    .journal()
    .transitions.filter(
      ({ stage, stage_status: status }) =>
        ["failure", "canceled", "skipped"].includes(status) ||
        (stage === "deploy" && status === "success"),
    );
  return new Map(ends.map(({ deployment, at }) => [deployment, Date.parse(at)]));
}

export function openLeftovers(sql: Sql): string[] {
  return sql
    .all<{ id: string }>("SELECT deployment_id AS id FROM leftovers WHERE ended_at IS NULL")
    .map(({ id }) => id);
}
