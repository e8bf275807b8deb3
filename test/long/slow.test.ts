import { afterAll, beforeAll, expect, test } from "vitest";

import { DEFAULT_BRANCH, REPOSITORY } from "../../scripts/demo/github.ts";
import { rowCounts } from "../e2e/support/objects.ts";
import { partHead, RawRequest, rawUpload } from "../e2e/support/raw.ts";
import { World, type Hook } from "../e2e/support/world.ts";

/** Senders that stop, over real connections, in real time: each is answered after 30 s, and nothing of it stays. */

let world: World;
let hook: Hook;

beforeAll(async () => {
  world = await World.start();
  const { pages, signalbox } = world;
  await pages.addProject({ name: "slow", source: REPOSITORY, production_branch: DEFAULT_BRANCH });
  await signalbox.ask("PUT", "/v1/projects/slow", { native_builds: "off" });
  hook = await signalbox.ask("POST", "/v1/projects/slow/hooks", { source: "github" });
});
afterAll(async () => {
  await world.stop();
});

test("every door lets go of a sender that stops or dribbles", async () => {
  const before = rowCounts(world.dir);
  const { info } = world.stack;
  const headers = { authorization: `Bearer ${info.token}`, "content-type": "application/json" };
  const small = [`${info.url}/v1/projects/slow/locks`, hook.url, `${info.url}/sign-in`].map(
    (url) => {
      const isForm = url.endsWith("/sign-in");
      const type = isForm ? "application/x-www-form-urlencoded" : "application/json";
      return new RawRequest(url, { ...headers, "content-type": type, origin: info.url });
    },
  );
  const upload = rawUpload(info, "site");
  const started = Date.now();
  for (const request of small) {
    await request.write("{");
  }
  await upload.write(partHead("manifest"));
  const dribble = setInterval(() => void small[0]?.write(" "), 2_000);
  const ends = await Promise.all([...small, upload].map(async ({ outcome }) => outcome));
  clearInterval(dribble);
  expect(ends).toMatchObject([
    { status: 408, json: { code: "body_timeout" } },
    { status: 408, json: { code: "body_timeout" } },
    { status: 408 },
    { status: 400, json: { code: expect.stringMatching(/^upload_in/) } },
  ]);
  expect(Date.now() - started).toBeLessThan(60_000);
  expect(rowCounts(world.dir)).toEqual(before);
});
