import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import worker from "../../../src/index.ts";
import { Edge, leave, type Got } from "./edge.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

/** So long from now, as a time that `at` takes. */
const inA = (ms: number): string => new Date(edge.world.now() + ms).toISOString();

/** The path of a new schedule. */
async function schedule(json: object): Promise<string> {
  const made = await edge.on("POST", "/schedules", { json });
  expect(made.status).toBe(201);
  return `/schedules/${made.body.id}`;
}

const shown = async (path: string): Promise<Got["body"]> => (await edge.on("GET", path)).body;
const deploys = async (): Promise<Got["body"][]> => (await edge.on("GET", "/deploys")).body.items;

describe("what was missed", () => {
  /** Nothing runs for so long, and the alarm is lost; then the watchdog comes round. */
  async function outage(ms: number): Promise<void> {
    await edge.world.inside((_, state) => state.storage.deleteAlarm());
    edge.world.pass(ms);
    const tick = { scheduledTime: edge.world.now(), cron: "*/5 * * * *", noRetry: () => undefined };
    await worker.scheduled(tick, env);
    await edge.world.run(MINUTE);
  }

  const MISSED = {
    last_outcome: "ignored",
    last_reason_code: "missed",
    last_reason: "It came more than 5 minutes late, and this schedule skips what it has missed.",
    last_deploy_id: null,
  };

  it("is made up for by one deploy", async () => {
    const path = await schedule({ cron: "0 * * * *" });
    expect(await shown(path)).toMatchObject({ missed: "run_once" });
    await outage(10 * HOUR);
    const [deploy, ...more] = await deploys();
    expect(more).toEqual([]);
    expect(await shown(path)).toMatchObject({
      last_outcome: "queued",
      last_deploy_id: deploy.id,
      last_run_at: deploy.created_at,
    });
    await edge.world.run(HOUR);
    expect(await deploys()).toHaveLength(2);
  });

  it("is made up for when it was to run once, which is over then", async () => {
    const at = inA(HOUR);
    const path = await schedule({ at });
    await outage(10 * HOUR);
    await edge.world.run(DAY);
    expect(await deploys()).toHaveLength(1);
    const { ended_at: ended, next_runs: next } = await shown(path);
    expect(next).toEqual([]);
    expect(Date.parse(ended) - Date.parse(at)).toBeGreaterThanOrEqual(9 * HOUR);
  });

  it("is skipped, and the next time is run", async () => {
    const path = await schedule({ cron: "30 */2 * * *", missed: "skip" });
    const [, , , next] = (await shown(path)).next_runs as string[];
    const until = Date.parse(next ?? "") - HOUR - edge.world.now();
    await outage(until);
    expect(await deploys()).toEqual([]);
    expect(await shown(path)).toMatchObject({ ...MISSED, missed: "skip" });
    await edge.world.run(HOUR);
    expect(await deploys()).toMatchObject([{ created_at: next }]);
    expect(await shown(path)).toMatchObject({ last_outcome: "queued", last_reason_code: null });
  });

  it("is skipped when it was to run once, which is over then", async () => {
    const path = await schedule({ at: inA(HOUR), missed: "skip" });
    await outage(2 * HOUR);
    await edge.world.run(DAY);
    expect(await deploys()).toEqual([]);
    const after = await shown(path);
    expect(after).toMatchObject({ ...MISSED, next_runs: [] });
    expect(after.ended_at).not.toBeNull();
  });

  it.each(["schedule.accepted", "schedule.moved"])(
    "is skipped once, and the same is said of it, after a crash at %s",
    async (point) => {
      const path = await schedule({ at: inA(HOUR), missed: "skip" });
      edge.world.crashAt(point);
      await edge.world.inside((_, state) => state.storage.deleteAlarm());
      edge.world.pass(2 * HOUR);
      await edge.world.retrying(() => edge.world.stub().wake());
      await edge.world.run(HOUR);
      expect(edge.world.crashes).toBe(1);
      expect(await shown(path)).toMatchObject({ ...MISSED, next_runs: [] });
      const count = await edge.world.inside(({ context }) =>
        context.sql.one("SELECT COUNT(*) AS n FROM triggers"),
      );
      expect(count).toEqual({ n: 1 });
    },
  );

  it("is not what is a few minutes late, also after others that were missed", async () => {
    const path = await schedule({ cron: "0,57 * * * *", missed: "skip" });
    const [first = ""] = (await shown(path)).next_runs as string[];
    const full = Math.ceil((Date.parse(first) + 2 * HOUR) / HOUR) * HOUR;
    await outage(full + MINUTE - edge.world.now());
    expect(await deploys()).toHaveLength(1);
    expect(await shown(path)).toMatchObject({ last_outcome: "queued", last_reason_code: null });
  });
});

describe("a paused schedule", () => {
  it("leaves out what comes meanwhile, and goes on with its next time", async () => {
    const path = await schedule({ cron: "0 * * * *" });
    await edge.on("PATCH", path, { json: { paused: true } });
    await edge.world.run(5 * HOUR + 30 * MINUTE);
    expect(await deploys()).toEqual([]);
    const resumed = await edge.on("PATCH", path, { json: { paused: false } });
    expect(resumed.body).toMatchObject({ paused: false, last_run_at: null });
    await edge.world.run(HOUR);
    expect(await deploys()).toMatchObject([{ created_at: resumed.body.next_runs[0] }]);
  });

  it.each([
    ["run_once", 1, "queued"],
    ["skip", 0, "ignored"],
  ])("has missed a time of its own: %s", async (missed, count, outcome) => {
    const path = await schedule({ at: inA(HOUR), missed });
    await edge.on("PATCH", path, { json: { paused: true } });
    await edge.world.run(3 * HOUR);
    expect(await deploys()).toEqual([]);
    expect(await shown(path)).toMatchObject({ ended_at: null, next_runs: [] });
    await edge.on("PATCH", path, { json: { paused: false } });
    await edge.world.run(HOUR);
    expect(await deploys()).toHaveLength(count);
    expect(await shown(path)).toMatchObject({ last_outcome: outcome, next_runs: [] });
  });

  it("stays paused when its time is changed", async () => {
    const path = await schedule({ cron: "0 * * * *" });
    await edge.on("PATCH", path, { json: { paused: true } });
    await edge.on("PATCH", path, { json: { at: inA(HOUR) } });
    await edge.world.run(2 * HOUR);
    expect(await deploys()).toEqual([]);
    expect(await shown(path)).toMatchObject({ paused: true, next_runs: [] });
  });
});
