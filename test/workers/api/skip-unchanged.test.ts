import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, leave, ORIGIN, type Got } from "./edge.ts";
import { deliver, fixture, makeHook, push, type MadeHook } from "./github.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let edge: Edge;
let hook: MadeHook;
beforeEach(async () => {
  edge = await Edge.create();
  hook = await makeHook(edge);
});
afterEach(leave);

/** A push as it is delivered, and all that comes of it. */
async function pushed(branch = "main", more: object = {}): Promise<Got["body"]> {
  const after = crypto.randomUUID().replaceAll("-", "").padEnd(40, "0");
  const { body } = await deliver(hook, push(branch, { after, ...more }));
  await edge.world.run(10 * MINUTE);
  return body.results[0];
}

/** What a schedule that skips what is unchanged makes of its time, now. */
async function asked(json: object = {}): Promise<Got["body"]> {
  const at = new Date(edge.world.now() + MINUTE).toISOString();
  const made = await edge.on("POST", "/schedules", { json: { at, skip_unchanged: true, ...json } });
  await edge.world.run(20 * MINUTE);
  return (await edge.on("GET", `/schedules/${made.body.id}`)).body;
}

const count = async (): Promise<number> => (await edge.on("GET", "/deploys")).body.items.length;
const skipping = { head_commit: { id: "a".repeat(40), message: "Typo [skip ci]" } };
const UNCHANGED = { last_outcome: "ignored", last_reason_code: "unchanged", last_deploy_id: null };
const DEPLOYED = { last_outcome: "queued", last_reason_code: null };

describe("a schedule that skips what is unchanged", () => {
  it("says so, and since when", async () => {
    await pushed();
    const skipped = await asked();
    expect(skipped).toMatchObject({
      ...UNCHANGED,
      skip_unchanged: true,
      last_reason: "Nothing new has come for main since #1, which succeeded.",
    });
    expect(skipped.ended_at).toBe(skipped.last_run_at);
    expect(await count()).toBe(1);
  });

  it("deploys a change once, and is still again", async () => {
    await pushed();
    expect(await pushed("main", skipping)).toMatchObject({ outcome: "filtered" });
    expect(await asked()).toMatchObject(DEPLOYED);
    expect(await asked()).toMatchObject(UNCHANGED);
    expect(await pushed()).toMatchObject({ outcome: "queued" });
    expect(await asked()).toMatchObject(UNCHANGED);
    expect(await count()).toBe(3);
  });

  it("deploys whatever the time when it is not to skip", async () => {
    await pushed();
    expect(await asked({ skip_unchanged: false })).toMatchObject(DEPLOYED);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["a push of another branch", () => pushed("next")],
    ["a push of another branch that is filtered", () => pushed("next", skipping)],
    ["another kind of event", () => deliver(hook, fixture("issues"), { event: "issues" })],
    ["a ping", () => deliver(hook, fixture("ping"), { event: "ping" })],
    ["a deploy of its own kind", () => asked({ skip_unchanged: false })],
  ])("passes over %s", async (_, what) => {
    await pushed();
    await what();
    expect(await asked()).toMatchObject(UNCHANGED);
  });

  it("passes over a delivery that is repeated", async () => {
    const delivery = crypto.randomUUID();
    await deliver(hook, push(), { delivery });
    await edge.world.run(10 * MINUTE);
    const again = await deliver(hook, push(), { delivery });
    expect(again.body.results).toMatchObject([{ outcome: "duplicate" }]);
    expect(await asked()).toMatchObject(UNCHANGED);
  });

  it("passes over what a CMS tells that its hook does not deploy on", async () => {
    await pushed();
    const cms = await makeHook(edge, { source: "strapi" });
    const tell = (event: string): Promise<Got> =>
      edge.send("POST", cms.url.slice(ORIGIN.length), {
        token: null,
        body: JSON.stringify({ event, entry: { publishedAt: "2040-01-01" } }),
        headers: { authorization: `Bearer ${cms.secret}`, "content-type": "application/json" },
      });
    const other = await tell("workflow.update");
    expect(other.body.results).toMatchObject([{ reason_code: "event_filtered" }]);
    expect(await asked()).toMatchObject(UNCHANGED);
    await edge.world.run(MINUTE);
    const { body } = await tell("entry.publish");
    await edge.on("POST", `/deploys/${body.results[0].deploy_id}/cancel`);
    expect(await asked()).toMatchObject(DEPLOYED);
  });

  it("leaves a rollback as it is", async () => {
    await pushed();
    await pushed();
    const rolledBack = await edge.on("POST", "/rollback");
    await edge.world.run(10 * MINUTE);
    expect(rolledBack.body.deploy).toMatchObject({ number: 3 });
    expect(await asked()).toMatchObject(UNCHANGED);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["nothing has succeeded yet", async () => undefined],
    [
      "the last deploy failed",
      async () => {
        await pushed();
        edge.world.sandbox.fault({ call: "create", kind: "fail_build" });
        await pushed();
      },
    ],
    [
      "what somebody had asked for was canceled",
      async () => {
        await pushed();
        const { body } = await edge.on("POST", "/deploys", { json: { branch: "main" } });
        await edge.on("POST", `/deploys/${body.deploy.id}/cancel`);
      },
    ],
    [
      "a push was left out while the hook was paused",
      async () => {
        await pushed();
        await edge.on("PATCH", `/hooks/${hook.id}`, { json: { paused: true } });
        expect(await pushed()).toMatchObject({ reason_code: "hook_paused" });
      },
    ],
    [
      "the hook has refused a delivery since",
      async () => {
        await pushed();
        const refused = await deliver(hook, push(), { secret: "another" });
        expect(refused.status).toBe(401);
      },
    ],
    [
      "there is no hook any more that could tell",
      async () => {
        await pushed();
        await edge.on("DELETE", `/hooks/${hook.id}`);
      },
    ],
    [
      "nobody has ever told of a commit",
      async () => {
        await edge.on("POST", "/deploys", { json: { branch: "main" } });
        await edge.world.run(10 * MINUTE);
      },
    ],
    [
      "it was so long ago that nothing is known",
      async () => {
        await pushed();
        await edge.world.run(35 * DAY);
      },
    ],
  ])("deploys when %s", async (_, what) => {
    await what();
    expect(await asked()).toMatchObject(DEPLOYED);
  });

  it("tells branches apart", async () => {
    await pushed();
    expect(await asked({ branch: "next" })).toMatchObject(DEPLOYED);
    await pushed("next");
    expect(await asked({ branch: "next" })).toMatchObject(UNCHANGED);
  });

  it("takes a CI's word that names the commit for a hook's", async () => {
    const json = { branch: "main", commit_hash: "b".repeat(40) };
    await edge.on("POST", "/deploys", { json });
    await edge.world.run(10 * MINUTE);
    expect(await asked()).toMatchObject(UNCHANGED);
  });
});
