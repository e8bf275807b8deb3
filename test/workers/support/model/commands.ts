import * as fc from "fast-check";

import type { FaultKind, Call } from "../../../../sandbox/types.ts";
import { DEFAULT_POLICY, type Policy, type PolicyChange } from "../../../../src/project/policy.ts";
import { command, type Command } from "../../../support/runs.ts";
import type { Play } from "./play.ts";

/** What can happen to a project. One entry is all that a new kind of thing needs. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const branch = fc.constantFrom("main", "main", "a", "b");
const door = fc.constantFrom("api" as const, "api" as const, "gateway" as const);
const pick = fc.nat(20);
const environment = fc.constantFrom("production" as const, "preview" as const, null);

/** Every run begins at noon, so that these begin a while after, or are on. */
const windows: fc.Arbitrary<Policy["windows"]> = fc.array(
  fc.record({
    action: fc.constantFrom("deny" as const, "allow" as const),
    environment,
    cron: fc.constantFrom("*/20 * * * *", "0 12 * * *", "5 * * * *"),
    duration_minutes: fc.constantFrom(3, 10, 30),
    time_zone: fc.constant("UTC"),
    reason: fc.constantFrom("lunch", null),
  }),
  { minLength: 1, maxLength: 2 },
);

/** The page of a build shows its commit's message. */
const health: fc.Arbitrary<Policy["health"]> = fc.record({
  checks: fc
    .constantFrom(null, "change", "change 1")
    .map((contains) => [{ url: "/", status: 200, contains, header: null, commit: false }]),
  attempts: fc.constantFrom(1, 2),
  interval_seconds: fc.constant(20),
  on_failure: fc.constantFrom("tell" as const, "lock" as const, "rollback" as const),
});

const drawnPolicy: fc.Arbitrary<PolicyChange> = fc.record(
  {
    mode: fc.constantFrom("supersede" as const, "all" as const),
    lane: fc.constantFrom("project" as const, "target" as const),
    cancel_running: fc.boolean(),
    min_interval_seconds: fc.constantFrom(0, 0, 20, 300),
    quiet_period: fc.constantFrom(
      { seconds: 0, max_wait_seconds: 600 },
      { seconds: 0, max_wait_seconds: 600 },
      { seconds: 10, max_wait_seconds: 15 },
      { seconds: 60, max_wait_seconds: 90 },
    ),
    windows: fc.oneof(
      { weight: 4, arbitrary: fc.constant<Policy["windows"]>([]) },
      { weight: 1, arbitrary: windows },
    ),
    approval: fc.record({
      environments: fc.constantFrom([], [], ["production" as const]),
      expires_hours: fc.constant(1),
    }),
    retry: fc.record({
      limit: fc.constantFrom(0, 2),
      stages: fc.constant([]),
      backoff_seconds: fc.constant(20),
    }),
    rollback: fc.record({ lock: fc.boolean() }),
    health: fc.oneof(
      { weight: 3, arbitrary: fc.constant(DEFAULT_POLICY.health) },
      { weight: 1, arbitrary: health },
    ),
    stage_deadlines_seconds: fc.constantFrom({}, {}, { build: 30 }),
    deadline_seconds: fc.constantFrom(45, 120, 300),
    max_attempts: fc.constantFrom(2, 6),
  },
  { requiredKeys: ["deadline_seconds"] },
);

/** As plain objects: those without a prototype can't be sent to an object. */
export const policy = drawnPolicy.map((drawn) => JSON.parse(JSON.stringify(drawn)) as PolicyChange);

const fault: fc.Arbitrary<FaultKind & { call: Call }> = fc.oneof(
  fc.record({
    call: fc.constantFrom("create" as const, "get" as const, "list" as const),
    kind: fc.constantFrom(
      "server_error" as const,
      "unknown_error" as const,
      "html" as const,
      "dropped" as const,
      "hang" as const,
      "lost" as const,
    ),
  }),
  fc.record({
    call: fc.constantFrom("create" as const, "get" as const, "rollback" as const),
    kind: fc.constant("rate_limited" as const),
    retry_after: fc.constantFrom(1, 40),
  }),
  fc.record({
    call: fc.constantFrom("rollback" as const, "delete" as const),
    kind: fc.constantFrom("html" as const, "lost" as const, "hang" as const),
  }),
  fc.record({
    call: fc.constant("create" as const),
    kind: fc.constant("late" as const),
    delay_ms: fc.constantFrom(2 * SECOND, 40 * SECOND, 150 * SECOND, 400 * SECOND),
    starts: fc.constantFrom("at_once" as const, "visible" as const),
  }),
  fc.record({
    call: fc.constant("create" as const),
    kind: fc.constantFrom(
      "stuck" as const,
      "fail_build" as const,
      "unknown_enum" as const,
      "expired_assets" as const,
    ),
  }),
);

/** Where an object can be lost while something is under way. */
const point = fc.constantFrom(
  "accept.committed",
  "submit.claimed",
  "submit.sending",
  "submit.answered",
  "submit.settled",
  "track.answered",
  "track.settled",
  "reconcile.listed",
  "reconcile.settled",
  "rollback.claimed",
  "rollback.answered",
  "leftover.answered",
  "leftover.undoing",
  "watch.listed",
  "schedule.accepted",
  "schedule.moved",
);

export const COMMANDS: readonly Command<Play>[] = [
  // — Triggers —
  command(
    "push",
    8,
    fc.record({
      branches: fc.uniqueArray(branch, { minLength: 1, maxLength: 2 }),
      /** The commit that the branch had before, and the delivery that was sent before. */
      again: fc.constantFrom(null, null, null, "commit" as const, "delivery" as const),
      quiet: fc.constantFrom(null, null, 0, 20),
    }),
    (play: Play, what) => play.triggers.push(what.branches, what.again, what.quiet),
  ),
  command(
    "request",
    3,
    fc.record({
      door,
      branch,
      notBefore: fc.constantFrom(null, null, 30 * SECOND, 40 * MINUTE),
      refuseLocked: fc.boolean(),
    }),
    (play: Play, what) =>
      play.triggers.request(what.door, what.branch, what.notBefore, what.refuseLocked),
  ),
  command(
    "upload",
    2,
    fc.record({ door, branch, content: fc.nat(1), slow: fc.boolean() }),
    (play: Play, what) => play.triggers.upload(what.door, what.branch, what.content, what.slow),
  ),
  command("uploadEnds", 1, fc.constant(null), (play: Play) => play.triggers.uploadsEnd()),
  command(
    "schedule",
    1,
    fc.record({ branch, when: fc.constantFrom(1, 20 * SECOND, 7 * MINUTE, "*/10 * * * *") }),
    (play: Play, what) => play.triggers.schedule(what.branch, what.when),
  ),
  command("retry", 2, pick, (play: Play, which) => play.triggers.retry(which)),
  command("promote", 2, pick, (play: Play, which) => play.triggers.promote(which)),
  command("rollBack", 3, fc.option(pick), (play: Play, which) => play.triggers.rollBack(which)),

  // — People —
  command("cancel", 2, pick, (play: Play, which) => play.people.cancel(which)),
  command(
    "lock",
    2,
    fc.record({ environment, forMs: fc.constantFrom(null, 20 * SECOND, 10 * MINUTE) }),
    (play: Play, what) => play.people.lock(what.environment, what.forMs),
  ),
  command("unlock", 2, pick, (play: Play, which) => play.people.unlock(which)),
  command("approve", 2, pick, (play: Play, which) => play.people.approve(which)),
  command("reject", 1, pick, (play: Play, which) => play.people.reject(which)),
  command("release", 1, pick, (play: Play, which) => play.people.release(which)),
  command("policy", 2, policy, (play: Play, change) => play.people.changePolicy(change)),

  // — Cloudflare —
  command(
    "fault",
    6,
    fc.record({ fault, times: fc.constantFrom(1, 1, 2, 4) }),
    (play: Play, what) => play.fault(what.fault, what.times),
  ),
  command("speed", 3, fc.constantFrom(0.05, 1, 4, 20), (play: Play, factor) =>
    play.world.sandbox.speed({ factor }),
  ),
  command("news", 1, fc.constant(null), (play: Play) =>
    play.world.retrying(() => play.world.stub().look()),
  ),

  // — The platform —
  command("crash", 3, fc.record({ point, hit: fc.constantFrom(1, 1, 2) }), (play: Play, what) =>
    play.world.crashAt(what.point, what.hit),
  ),
  command("restart", 1, fc.constant(null), (play: Play) => play.restart()),
  command("loseAlarm", 1, fc.constant(null), (play: Play) => play.loseAlarm()),
  command(
    "pass",
    10,
    fc.constantFrom(50, 400, 2 * SECOND, 2 * SECOND, 10 * SECOND, MINUTE, 4 * MINUTE, 20 * MINUTE),
    (play: Play, ms) => play.pass(ms),
  ),
];
