import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { liveOn, madeFor } from "../../scripts/demo/journal.ts";
import { until } from "../../scripts/demo/wait.ts";
import type { Receiver } from "../../scripts/demo/receiver.ts";
import type { Accepted, Deploy } from "../../src/project/shapes.ts";
import { rowsOf } from "./support/objects.ts";
import { rawUpload, sendHalf } from "./support/raw.ts";
import type { RawRequest } from "./support/raw.ts";
import { DEFAULT_BRANCH, ends, isGapless, World } from "./support/world.ts";
import type { GitProject } from "./support/world.ts";

/**
 * Six projects, each caught by one SIGKILL at another point. Then Signalbox is started again on the same state, and is not
 * called until the receivers have been told of every end: whatever happens comes from what was stored.
 */

let world: World;
/** Its create call had not left. */
let listing: GitProject;
/** Its create call was carried out, and the answer never came. */
let submitting: GitProject;
let running: GitProject;
/** Its deploys were over; the receiver had an event and had not answered. */
let delivering: GitProject;
/** Accepted a moment before, behind another one. */
let waiting: GitProject;
/** A direct upload is under way at Cloudflare while the next one still streams in. */
const uploading = "site";
let uploads: Receiver;
let cutOff: RawRequest;

const expected = new Map<string, string[]>();

beforeAll(async () => {
  world = await World.start();
  [listing, submitting, running, delivering, waiting] = await Promise.all([
    world.gitProject("listing"),
    world.gitProject("submitting"),
    world.gitProject("running"),
    world.gitProject("delivering"),
    world.gitProject("waiting"),
  ]);
  uploads = await world.subscribe(uploading);
  await world.calls(12);
  await allUnderWay();
  await world.stack.kill();
  await world.pages.clearFaults();
  await world.pages.speed({ factor: 0.1 });
  delivering.receiver.answer = () => ({ status: 204 });
  await world.stack.restart();
});
afterAll(async () => {
  await world.stop();
});

async function allUnderWay(): Promise<void> {
  const { pages, signalbox } = world;
  await pages.fault({ call: "list", kind: "hang", project: "listing" });
  await pages.fault({ call: "create", kind: "lost", answer: "hang", project: "submitting" });

  delivering.receiver.answer = ({ event }) =>
    event.type === "deploy.succeeded" ? "never" : { status: 204 };
  await pages.speed({ factor: 0.1 });
  await push(delivering);
  await until("the receiver to be left hanging", () => ends(delivering.receiver.events()).length);
  // Longer than all the rest takes, up to the restart.
  await pages.speed({ stages: { build: 10_000 }, upload: 10_000 });

  const form = await world.siteForm(uploading, { "/index.html": "<h1>First</h1>" });
  const { deploy } = await signalbox.ask<Accepted>("POST", "/v1/projects/site/deploys", form);
  note(uploading, deploy?.id);
  await push(running);
  await push(waiting);
  await until("three to run", async () => {
    const found = await Promise.all(
      [uploading, "running", "waiting"].map((name) => signalbox.deploys(name)),
    );
    return found.every(([newest]) => newest?.status === "running");
  });
  await push(listing);
  await push(submitting);
  cutOff = rawUpload(world.stack.info, uploading, { "content-length": 5_000_000 });
  await sendHalf(cutOff);
  await until("the lost create to have been carried out", async () => {
    const { requests } = await pages.journal();
    const struck = requests.filter(({ fault }) => fault === "lost" || fault === "hang");
    return struck.length === 2;
  });
  await until("half the upload to be stored", () => chunksOf(uploading) > 0);
  await push(waiting);
  const stages = await Promise.all(
    ["listing", "submitting", "running", "waiting", uploading].map(async (name) =>
      (await signalbox.deploys(name)).map(({ status }) => status),
    ),
  );
  expect(stages).toEqual([
    ["submitting"],
    ["submitting"],
    ["running"],
    ["queued", "running"],
    ["running"],
  ]);
}

async function push(project: GitProject): Promise<void> {
  const { status, deploy_id: id } = await project.push();
  expect(status).toBe(202);
  note(project.name, id);
}

function note(project: string, id: string | null | undefined): void {
  expected.set(project, [...(expected.get(project) ?? []), id ?? ""]);
}

function chunksOf(project: string): number {
  return rowsOf(
    world.dir,
    project,
    "SELECT 1 FROM upload_chunks c JOIN uploads u ON u.id = c.upload_id WHERE u.state = 'open'",
  ).length;
}

/** Every deploy of the project succeeded, by one deployment each, and its receiver knows. */
async function allRight(name: string, receiver: Receiver): Promise<Deploy[]> {
  const ids = expected.get(name) ?? [];
  const told = await until(`${name}: every end to be told`, () => {
    const found = ends(receiver.events()).filter(({ id }) => ids.includes(id));
    return found.length === ids.length && found;
  });
  expect(told.map(({ id, status }) => [id, status])).toEqual(ids.map((id) => [id, "succeeded"]));
  const journal = await world.pages.journal();
  expect(madeFor(journal, name)).toEqual(told.map(({ deployment }) => deployment?.id));
  expect(isGapless(receiver.events())).toBe(true);
  expect(receiver.refused).toEqual([]);
  return told;
}

describe("after SIGKILL and a restart, without anybody calling", () => {
  test("what was about to be created is created once", async () => {
    const [deploy] = await allRight("listing", listing.receiver);
    expect(deploy?.attempts).toBe(1);
  });

  test("what was created unheard of is found, and not created again", async () => {
    await allRight("submitting", submitting.receiver);
    const types = submitting.receiver.events().map(({ type }) => type);
    expect(types).toContain("deploy.reconciling");
  });

  test("what ran is followed to its end", async () => {
    const [deploy] = await allRight("running", running.receiver);
    const live = liveOn(await world.pages.journal(), "running", DEFAULT_BRANCH);
    expect(live).toBe(deploy?.deployment?.id);
  });

  test("what had just been accepted goes next", async () => {
    const [, deploy] = await allRight("waiting", waiting.receiver);
    const live = liveOn(await world.pages.journal(), "waiting", DEFAULT_BRANCH);
    expect(live).toBe(deploy?.deployment?.id);
  });

  test("what the receiver never confirmed is told again, under the same id", async () => {
    await until("the second telling", () => {
      const told = delivering.receiver.heard.filter(
        ({ event }) => event.type === "deploy.succeeded",
      );
      return told.length >= 2 && new Set(told.map(({ event }) => event.id)).size === 1;
    });
    await allRight("delivering", delivering.receiver);
  });

  test("of the upload that was cut off nothing stays, and the one before it is live", async () => {
    expect(await cutOff.outcome).toBe("cut off");
    await allRight(uploading, uploads);
    await until(
      "the rows of the upload to go",
      () =>
        rowsOf(world.dir, uploading, "SELECT id FROM uploads WHERE state <> 'sealed'").length === 0,
    );
    const orphans = "SELECT 1 FROM upload_chunks WHERE upload_id NOT IN (SELECT id FROM uploads)";
    expect(rowsOf(world.dir, uploading, orphans)).toEqual([]);
    expect((await world.pages.page("site.pages.dev")).text).toBe("<h1>First</h1>");
  });

  test("there is no other deploy, and no gap in any project's events", async () => {
    for (const [name, ids] of expected) {
      const deploys = await world.signalbox.deploys(name);
      expect(deploys.map(({ id }) => id)).toEqual(ids.toReversed());
      expect(isGapless(await world.signalbox.events(name))).toBe(true);
    }
  });
});
