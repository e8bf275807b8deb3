import { afterEach, expect, it, vi } from "vitest";

import { newId } from "../../../src/ids.ts";
import { projectRow } from "../../../src/project/rows.ts";
import { siteForm, upload } from "../support/form.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

async function lock(world: World): Promise<() => Promise<unknown>> {
  const rest = { holder: "Ada", reason: "moving", until: null };
  await world.stub().addLock({ id: "lck_1", environment: null, ...rest });
  return () => world.stub().removeLock("lck_1", "tok_ada");
}

/** Somebody changes the production branch at Cloudflare and registers the project again. */
async function renamed(world: World, production: string): Promise<void> {
  await world.api("PATCH", "", { production_branch: production });
  const row = await world.inside(({ context }) => projectRow(context.sql));
  const { key, account_id, name, upstream_id, subdomain, source } = row;
  const facts = {
    key,
    account_id,
    name,
    upstream_id,
    subdomain,
    source,
    domains: [],
    origin: null,
  };
  const again = await world.stub().register({ ...facts, production_branch: production }, {});
  expect(again.ok).toBe(true);
}

it("what waits goes where its branch leads when Cloudflare has another production branch", async () => {
  const world = await World.create();
  const unlock = await lock(world);
  const old = id(await world.push({ branch: "main" }));
  const next = id(await world.push({ branch: "trunk" }));
  await renamed(world, "trunk");
  expect(await world.deploy(old)).toMatchObject({ environment: "preview", target: "preview/main" });
  expect(await world.deploy(next)).toMatchObject({ environment: "production" });
  await unlock();
  const ends = [await world.ended(old), await world.ended(next)];
  expect(ends.map(({ deployment }) => deployment?.environment)).toEqual(["preview", "production"]);
  expect(world.live()).toBe(ends[1]?.deployment?.id);
  expect((await world.stub().view())?.live?.id).toBe(next);
});

it("a promotion goes to production, whatever that is called when it starts", async () => {
  const world = await World.create({ source: "direct_upload" });
  const form = await siteForm(world, { branch: "beta", files: { "/index.html": "new" } });
  const shown = await world.ended(id(await upload(world, form)));
  const unlock = await lock(world);
  const trigger = { ...shown.trigger, id: newId("trg") };
  const asked = await world.stub().promote(shown.id, trigger, newId("dpl"));
  await renamed(world, "trunk");
  await unlock();
  const live = await world.ended(asked.ok ? id(asked.value) : "");
  expect(live).toMatchObject({ status: "succeeded", branch: "trunk", environment: "production" });
  expect(world.live()).toBe(live.deployment?.id);
});
