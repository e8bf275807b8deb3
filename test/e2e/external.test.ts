import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { liveOn, overlap } from "../../scripts/demo/journal.ts";
import { until } from "../../scripts/demo/wait.ts";
import { documentedReasons, Ruled } from "./support/ruled.ts";
import { DEFAULT_BRANCH, isGapless, World } from "./support/world.ts";
import type { Hook } from "./support/world.ts";

let world: World;
let shop: Ruled;

beforeAll(async () => {
  world = await World.start();
  shop = await Ruled.make(world, "shop");
  await world.calls(16);
});
afterAll(async () => {
  await world.stop();
});

/** Somebody deploys the shop past Signalbox, and its build takes six seconds. */
async function past(): Promise<string> {
  await world.pages.speed({ factor: 0.1, stages: { build: 60_000 } });
  const id = await world.pages.deploy("shop", DEFAULT_BRANCH);
  await world.pages.speed({ factor: 0.1 });
  return id;
}

test("a build that somebody started at Cloudflare is waited for, told once, and followed by ours", async () => {
  const theirs = await past();
  const ours = await shop.push();
  expect(await shop.told("external.started")).toMatchObject({
    data: {
      external: {
        deployment_id: theirs,
        status: "running",
        trigger: "ad_hoc",
        environment: "production",
        branch: DEFAULT_BRANCH,
      },
    },
  });
  await until("it to wait", async () => (await shop.get(ours)).reason_code === "external");
  expect(await shop.view()).toMatchObject({
    externals: [{ deployment_id: theirs }],
    running: [],
    waiting: [
      {
        id: ours,
        waiting: { for: "turn", until: null },
        reason: `Waits for a build of ${DEFAULT_BRANCH} that was started outside Signalbox.`,
      },
    ],
  });
  expect(await shop.ask("POST", "/policy/explain", {})).toMatchObject({
    would: "wait",
    reason_code: "external",
  });

  const end = await shop.ended(ours);
  expect(end).toMatchObject({ status: "succeeded", attempts: 1 });
  expect(await shop.told("external.ended")).toMatchObject({
    data: { external: { deployment_id: theirs, status: "succeeded" } },
  });
  const made = await shop.made();
  expect(made).toEqual([theirs, end.deployment?.id]);
  const journal = await world.pages.journal();
  expect(overlap(journal, made)).toBeNull();
  expect(liveOn(journal, "shop", DEFAULT_BRANCH)).toBe(end.deployment?.id);
  expect(await shop.view()).toMatchObject({ live: { id: ours }, externals: [] });
  const documented = documentedReasons(await readFile("docs/api.md", "utf8"));
  expect([...(await shop.codes()).keys()].filter((code) => !documented.has(code))).toEqual([]);
});

test("Cloudflare's word is enough to notice one; it is live then, until a rollback to ours", async () => {
  const hook = await shop.ask<Hook>("POST", "/hooks", { source: "cloudflare" });
  const before = (await shop.view()).live;
  const theirs = await past();
  const answer = await fetch(hook.url, {
    method: "POST",
    headers: { "content-type": "application/json", "cf-webhook-auth": hook.secret },
    body: JSON.stringify({ alert_type: "pages_event_alert" }),
  });
  expect(answer.status).toBe(200);
  await until("its end to be told", () =>
    shop.project.receiver
      .events()
      .some(
        ({ type, data }) =>
          type === "external.ended" &&
          (data as { external: { deployment_id: string } }).external.deployment_id === theirs,
      ),
  );
  expect(await shop.view()).toMatchObject({
    live: null,
    externals: [{ deployment_id: theirs, status: "succeeded" }],
  });
  const { id } = (await shop.ask<{ deploy: { id: string } }>("POST", "/rollback")).deploy;
  expect(await shop.ended(id)).toMatchObject({
    status: "succeeded",
    deployment: { id: before?.deployment?.id },
  });
  expect(liveOn(await world.pages.journal(), "shop", DEFAULT_BRANCH)).toBe(before?.deployment?.id);
  expect(await shop.view()).toMatchObject({ live: { id }, externals: [] });
  const told = shop.project.receiver.events().filter(({ type }) => type.startsWith("external."));
  expect(told).toHaveLength(4);
  expect(isGapless(shop.project.receiver.events())).toBe(true);
});
