import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { World } from "../support/world.ts";

const BEAT = 10_000;

afterEach(() => {
  vi.restoreAllMocks();
});

describe("an object that may be lost at any time", () => {
  it("is to wake every ten seconds while a look is under way, long before its lease ends", async () => {
    const world = await World.create();
    const id = (await world.push()).deploy?.id ?? "";
    await world.run(60_000, async () => (await world.deploy(id)).status === "running");
    const release = hang(world, "GET");
    world.hanging.add(`deploy/${id}`);
    await world.run(60_000, async () => release.length === 1);
    await expectBeats(world);
    expect(release).toHaveLength(1);
    world.hanging.clear();
    await world.inside(() => release.splice(0).forEach((go) => go()));
    expect((await world.ended(id)).status).toBe("succeeded");
  });

  it("is to wake every ten seconds while a create request is under way, long before its lease ends", async () => {
    const world = await World.create();
    const id = (await world.push()).deploy?.id ?? "";
    const release = hang(world, "POST");
    world.hanging.add(`deploy/${id}`);
    await world.run(1_000, async () => release.length === 1);
    await expectBeats(world);
    world.hanging.clear();
    await world.inside(() => release.splice(0).forEach((go) => go()));
    expect((await world.ended(id)).status).toBe("succeeded");
    expect(world.created()).toHaveLength(1);
  });

  it("takes the bodies that its predecessor had open for dead, and soon has none of their rows", async () => {
    const world = await World.create({ source: "direct_upload" });
    const body = new Blob([new Uint8Array(2_500_000)]).stream();
    await world.stub().receive("upl_open", "multipart/form-data; boundary=x", body);
    await world.run(BEAT);
    expect(await rows(world)).toEqual({ uploads: 1, chunks: 2 });
    await evictDurableObject(env.PROJECT.getByName(world.key));
    await world.run(BEAT);
    expect(await rows(world)).toEqual({ uploads: 0, chunks: 0 });
  });
});

/** From now on requests of this method wait until what is in the list is called. */
function hang(world: World, method: string): (() => void)[] {
  const release: (() => void)[] = [];
  const real = vi.mocked(globalThis.fetch).getMockImplementation();
  vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
    if (world.hanging.size > 0 && (init?.method ?? "GET") === method) {
      await new Promise<void>((resolve) => {
        release.push(resolve);
      });
    }
    return (await real?.(input, init)) ?? Response.error();
  });
  return release;
}

async function expectBeats(world: World): Promise<void> {
  for (let beats = 0; beats < 3; beats++) {
    const at = (await alarm(world)) ?? Infinity;
    expect(at).toBeGreaterThan(world.now());
    expect(at).toBeLessThanOrEqual(world.now() + BEAT);
    await world.run(at - world.now());
  }
}

function alarm(world: World): Promise<number | null> {
  return world.inside((_, state) => state.storage.getAlarm());
}

async function rows(world: World): Promise<{ uploads: number; chunks: number }> {
  return world.inside(({ context: { sql } }) => ({
    uploads: sql.all("SELECT id FROM uploads").length,
    chunks: sql.all("SELECT n FROM upload_chunks").length,
  }));
}
