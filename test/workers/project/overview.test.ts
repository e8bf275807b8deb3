import { afterEach, describe, expect, it, vi } from "vitest";

import type { Deploy, Event } from "../../../src/project/shapes.ts";
import { World } from "../support/world.ts";

afterEach(() => vi.restoreAllMocks());

const ANY = { limit: 50, before: null, branch: null, environment: null, status: null };

async function succeeded(world: World, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    await world.ended((await world.push({ message: `Change ${n}` })).deploy?.id ?? "");
  }
}

describe("how long deploys usually take", () => {
  it("is told from three successes of the kind and target on, as medians", async () => {
    const world = await World.create();
    await succeeded(world, 2);
    expect((await world.stub().history(ANY))?.usual).toEqual([]);
    world.sandbox.speed({ factor: 10 });
    await succeeded(world, 1);
    const history = await world.stub().history(ANY);
    const took = (history?.deploys ?? [])
      .map(({ started_at: from, ended_at: to }) => Date.parse(to ?? "") - Date.parse(from ?? ""))
      .sort((a, b) => a - b);
    expect(history?.usual).toMatchObject([
      { kind: "build", target: "production", runs: 3, total_ms: took[1] },
    ]);
    const stages = history?.usual[0]?.stages ?? [];
    expect(stages.map(({ name }) => name)).toEqual([
      "queued",
      "initialize",
      "clone_repo",
      "build",
      "deploy",
    ]);
    expect(stages.every(({ ms }) => ms > 0)).toBe(true);
    expect(history?.week).toMatchObject({ deploys: 3, failed: 0, took_ms: took[1] });
  });
});

describe("the history of a project", () => {
  it("is filtered by a part of what a deploy says of itself", async () => {
    const world = await World.create();
    await succeeded(world, 3);
    const found = async (text: string): Promise<number[] | undefined> =>
      (await world.stub().history({ ...ANY, text }))?.deploys.map(({ number }) => number);
    expect(await found("CHANGE 1")).toEqual([2]);
    expect(await found("ines")).toEqual([3, 2, 1]);
    expect(await found("%")).toEqual([]);
  });
});

describe("the story of a deploy", () => {
  it("has its events, what joined it, whom it superseded, and what subscribers were told", async () => {
    const world = await World.create({
      policy: { quiet_period: { seconds: 30, max_wait_seconds: 60 } },
    });
    await world.subscribe("receiver.example");
    const commit = "a".repeat(40);
    await world.push();
    await world.push({ commit });
    await world.push({ commit });
    const { deploys = [] } = (await world.stub().history(ANY)) ?? {};
    expect(deploys.map(({ status }) => status)).toEqual(["queued", "superseded"]);
    await world.run(600_000);
    const story = await world.stub().story(2);
    expect(story?.events.map(({ type }) => type).filter((type) => type !== "deploy.stage")).toEqual(
      ["deploy.queued", "deploy.held", "deploy.released", "deploy.started", "deploy.succeeded"],
    );
    expect(story?.joined).toMatchObject([{ source: "github" }]);
    expect(Object.values(story?.others ?? {})).toEqual([1]);
    expect(story?.told.map(({ state }) => state)).toEqual(story?.events.map(() => "delivered"));
    expect(await world.stub().story(3)).toBeNull();
  });

  it("events are read newest first, from any place", async () => {
    const world = await World.create();
    await succeeded(world, 1);
    const all = { before: null, until: null, kind: null, deploy: null, stages: true, limit: 2 };
    const newest = await world.stub().newestEvents(all);
    const [first] = newest;
    expect(newest.map(({ sequence }) => sequence)).toEqual([
      first?.sequence,
      (first?.sequence ?? 0) - 1,
    ]);
    const before = newest[1]?.sequence ?? 0;
    const older = await world.stub().newestEvents({ ...all, before, limit: 1 });
    expect(older).toMatchObject([{ sequence: (first?.sequence ?? 0) - 2 }]);
  });

  it("events are read from any time, of one kind or deploy, with and without stages", async () => {
    const world = await World.create();
    await succeeded(world, 2);
    const deploy = (await world.stub().story(1))?.deploy.id ?? null;
    const events = await world.stub().events(0, 500);
    const all = { before: null, until: null, kind: null, deploy: null, stages: true, limit: 500 };
    const numbers = async (asked: object): Promise<number[]> =>
      (await world.stub().newestEvents({ ...all, ...asked })).map(({ sequence }) => sequence);
    const where = (wanted: (event: Event) => boolean): number[] =>
      events
        .filter(wanted)
        .map(({ sequence }) => sequence)
        .toReversed();
    expect(new Set(events.map(({ timestamp }) => timestamp)).size).toBeGreaterThan(5);
    for (const { timestamp } of events) {
      const until = Date.parse(timestamp);
      for (const time of [until, until + 1]) {
        const earlier = where((event) => Date.parse(event.timestamp) < time);
        expect(await numbers({ until: time })).toEqual(earlier);
      }
    }
    expect(await numbers({ kind: "project" })).toEqual(
      where(({ type }) => type.startsWith("project.")),
    );
    expect(await numbers({ deploy })).toEqual(
      where(({ data }) => (data["deploy"] as Deploy | undefined)?.number === 1),
    );
    expect(await numbers({ stages: false })).toEqual(where(({ type }) => type !== "deploy.stage"));
  });
});
