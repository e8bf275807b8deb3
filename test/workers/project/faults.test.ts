import { afterEach, describe, expect, it, vi } from "vitest";

import { FAULT_CALLS, FAULT_KINDS } from "../../../sandbox/types.ts";
import type { Call, Fault } from "../../../sandbox/types.ts";
import type { Answered } from "../../../src/project/accept.ts";
import { faultTable, strike, type Kind, type Times } from "../support/fault-table.ts";
import { siteForm, upload } from "../support/form.ts";
import { World } from "../support/world.ts";

/**
 * Every fault that the sandbox knows × every call that a project makes × once and for as long as it lasts. What is expected is
 * read from the table in docs/reliability.md, so that it can't say anything else than what happens.
 */

afterEach(() => {
  vi.restoreAllMocks();
});

interface Scenario {
  readonly call: Call;
  readonly source: "git" | "direct_upload";
  /** What must have been before. */
  readonly before?: (world: World) => Promise<unknown>;
  /** Begins the deploy that the fault strikes, and has it strike when the call is still to come. */
  readonly start: (world: World, strike: () => void) => Promise<string>;
  /** What else holds when the fault is over. */
  readonly after?: (world: World) => Promise<void>;
}

const idOf = ({ deploy }: Answered): string => deploy?.id ?? "";
const build = async (world: World): Promise<string> => idOf(await world.push());
const site = async (world: World): Promise<string> =>
  idOf(await upload(world, await siteForm(world)));

/** A push, up to where its build runs. */
async function running(world: World): Promise<string> {
  const id = await build(world);
  await world.run(60_000, async () => (await world.deploy(id)).status === "running");
  return id;
}

async function twoVersions(world: World): Promise<void> {
  await world.ended(await build(world));
  await world.ended(await build(world));
}

const aBuild = (call: Call): Scenario => ({
  call,
  source: "git",
  start: (world, strike) => {
    strike();
    return build(world);
  },
});

/** An upload that waits for so long that its assets are asked for first. */
const anOldUpload = (call: Call): Scenario => ({
  call,
  source: "direct_upload",
  start: async (world, strike) => {
    const until = world.now() + 3_700_000;
    await world
      .stub()
      .addLock({ id: `lck_${until}`, environment: null, holder: "Ada", reason: "x", until });
    const id = await site(world);
    strike();
    await world.run(3_600_000);
    return id;
  },
});

const SCENARIOS: Record<string, Scenario> = {
  list: aBuild("list"),
  "create of a build": aBuild("create"),
  "create of an upload": {
    call: "create",
    source: "direct_upload",
    start: async (world, strike) => {
      const form = await siteForm(world);
      strike();
      return idOf(await upload(world, form));
    },
  },
  get: aBuild("get"),
  logs: {
    ...aBuild("logs"),
    start: (world, strike) => {
      world.sandbox.fault({ call: "create", kind: "fail_build" });
      strike();
      return build(world);
    },
  },
  delete: {
    call: "delete",
    source: "git",
    start: async (world, strike) => {
      const id = await running(world);
      strike();
      await world.stub().cancel(id, "Ines");
      return id;
    },
  },
  rollback: {
    call: "rollback",
    source: "git",
    before: twoVersions,
    start: async (world, strike) => {
      strike();
      return idOf(await world.rollBack());
    },
  },
  project: {
    call: "project",
    source: "git",
    before: twoVersions,
    // A build that a rollback overtakes and that goes live all the same: whether it did is asked before it is undone.
    start: async (world, strike) => {
      const id = await running(world);
      const back = idOf(await world.rollBack());
      await world.run(5_000, async () => (await world.deploy(back)).ended_at !== null);
      strike();
      return id;
    },
    after: async (world) => {
      await world.run(600_000);
      const live = (await world.stub().view())?.live?.deployment?.id;
      expect(world.live(), "the build that was overtaken is undone").toBe(live);
    },
  },
  "upload-token": anOldUpload("upload-token"),
  "check-missing": anOldUpload("check-missing"),
};

/** Calls that no project makes: the edge does (`api/faults.test.ts`), or nobody. */
const OF_OTHERS: readonly Call[] = ["projects", "patch", "upload", "upsert-hashes", "retry"];

/** How a deploy ends, and how many deployments Cloudflare has made for it by then. */
interface End {
  readonly code: string;
  readonly made: number;
}

/** The expectations: by scenario and fault, for once and for always. Null: the fault can't strike this call. */
const EXPECTED = readTable();

function readTable(): Map<string, Map<Kind, readonly [End, End] | null>> {
  return new Map(
    [...faultTable("call")].map(([name, row]) => [
      name,
      new Map([...row].map(([kind, cell]) => [kind, endsIn(cell)])),
    ]),
  );
}

function endsIn(cell: string): readonly [End, End] | null {
  const found = [...cell.matchAll(/`(\w+)` (\d)/g)];
  const [once, always = once] = found.map(([, code = "", made]) => ({ code, made: Number(made) }));
  return once === undefined || always === undefined ? null : [once, always];
}

/** It acts on the deployment, and the call is answered as ever. */
const isShaping = (kind: Kind): boolean => ["stuck", "unknown_enum", "fail_build"].includes(kind);

async function hasStruck(world: World, kind: Kind, times: Times): Promise<boolean> {
  const url = "https://api.cloudflare.test/__sandbox/faults";
  const left = await (await world.sandbox.fetch(new Request(url))).json<Fault[]>();
  const { requests } = world.sandbox.journal();
  return times === 1
    ? left.length === 0
    : left.length === 1 && (isShaping(kind) || requests.some(({ fault }) => fault === kind));
}

async function endOf(world: World, id: string, made: number): Promise<End> {
  const { status, reason_code: reason } = await world.deploy(id);
  return { code: reason ?? status, made };
}

async function play(scenario: Scenario, world: World, kind: Kind, times: Times) {
  await scenario.before?.(world);
  const before = world.created().length;
  const made = (): number => world.created().length - before;
  const id = await scenario.start(world, () => strike(world, scenario.call, kind, times));
  await world.run(7_200_000, async () => (await world.deploy(id)).ended_at !== null);
  const end = await endOf(world, id, made());
  // A leftover's calls come after the deploy's end.
  await world.run(120_000, () => hasStruck(world, kind, times));
  expect(await hasStruck(world, kind, times), "the fault has struck").toBe(true);
  world.sandbox.clearFaults();
  const waits = (await world.deploy(id)).ended_at === null;
  if (waits) {
    expect((await world.ended(id)).status, "when it is over").toBe("succeeded");
  }
  await scenario.after?.(world);
  const settled = made();
  expect(settled - end.made, "made later").toBe(waits && scenario.call !== "rollback" ? 1 : 0);
  const next = scenario.source === "git" ? await build(world) : await site(world);
  const { status, deployment } = await world.ended(next);
  expect([status, made()], "the next one, in the same lane").toEqual(["succeeded", settled + 1]);
  expect(world.live()).toBe(deployment?.id);
  return end;
}

describe("a fault at Cloudflare", () => {
  it("has an expected end for every call and kind there is", () => {
    expect([...EXPECTED.keys()]).toEqual(Object.keys(SCENARIOS));
    const calls = new Set(Object.values(SCENARIOS).map(({ call }) => call));
    expect([...calls, ...OF_OTHERS].toSorted()).toEqual([...FAULT_CALLS].toSorted());
    for (const row of EXPECTED.values()) {
      expect([...row.keys()].toSorted()).toEqual([...FAULT_KINDS].toSorted());
    }
  });

  it.each(Object.entries(SCENARIOS))(
    "that strikes the call %s, once or always, ends the deploy as the table says, and leaves its lane free",
    async (name, scenario) => {
      const ends: [string, readonly [End, End] | null][] = [];
      for (const kind of FAULT_KINDS) {
        const policy = { deadline_seconds: 600, max_attempts: 3, rollback: { lock: false } };
        const world = await World.create({ source: scenario.source, policy });
        if (!strike(world, scenario.call, kind, 1)) {
          ends.push([kind, null]);
          continue;
        }
        world.sandbox.clearFaults();
        const once = await play(scenario, world, kind, 1);
        ends.push([kind, [once, await play(scenario, world, kind, "always")]]);
        const made = world.created().length;
        await world.run(200_000);
        expect(world.created(), `${kind}: nothing comes later`).toHaveLength(made);
      }
      expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(EXPECTED.get(name) ?? []));
    },
    60_000,
  );
});
