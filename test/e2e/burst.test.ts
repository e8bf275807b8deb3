import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { liveOn, madeFor, overlap } from "../../scripts/demo/journal.ts";
import { until } from "../../scripts/demo/wait.ts";
import type { Deploy } from "../../src/project/shapes.ts";
import { DEFAULT_BRANCH, ends, isGapless, newCommit, World } from "./support/world.ts";
import type { GitProject } from "./support/world.ts";

const PUSHES = 200;
const AT_ONCE = 20;
const BRANCHES = [DEFAULT_BRANCH, "develop", "feature/login", "fix-1", "docs"];

let world: World;

beforeAll(async () => {
  world = await World.start();
  await world.pages.speed({ factor: 0.1 });
});
afterAll(async () => {
  await world.stop();
});

type Answer = Awaited<ReturnType<GitProject["push"]>>;

/** All pushes, some at a time, the branches taking turns; with what each was answered. */
async function burst(
  project: GitProject,
  pushes: number,
): Promise<{ answers: Answer[]; ms: number; slowestMs: number }> {
  const answers: Answer[] = [];
  let slowestMs = 0;
  const began = performance.now();
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let n = next++; n < pushes; n = next++) {
      const commit = newCommit();
      const asked = performance.now();
      answers.push(await project.push(BRANCHES[n % BRANCHES.length], { commit }));
      slowestMs = Math.max(slowestMs, performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return { answers, ms: performance.now() - began, slowestMs };
}

/** Every deploy at its end, once the receiver has been told of them all. */
async function settled({ name, receiver }: GitProject, pushes: number): Promise<Deploy[]> {
  await until("every end to be told", () => ends(receiver.events()).length >= pushes, 50_000);
  return world.signalbox.deploys(name);
}

function newestOf(deploys: readonly Deploy[], branch: string): Deploy | undefined {
  // Newest first.
  return deploys.find((deploy) => deploy.branch === branch);
}

describe(`${PUSHES} pushes to five branches at once`, () => {
  let project: GitProject;
  let answers: Answer[];
  let ms: number;
  let slowestMs: number;
  let deploys: Deploy[];

  beforeAll(async () => {
    project = await world.gitProject("burst");
    // So that no lack of calls keeps two from being in flight at once.
    await world.calls(15);
    ({ answers, ms, slowestMs } = await burst(project, PUSHES));
    deploys = await settled(project, PUSHES);
  });

  test("are each answered within seconds, with an id and an outcome", () => {
    expect(ms).toBeLessThan(10_000);
    expect(answers).toHaveLength(PUSHES);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(PUSHES);
    expect(answers.every(({ status, outcome }) => status === 202 && outcome === "queued")).toBe(
      true,
    );
  });

  test("are each answered well inside what the most impatient sender waits: Ghost, 2 s", () => {
    expect(slowestMs).toBeLessThan(2_000);
  });

  test("are each a deploy with a number of its own, that succeeded or was superseded", () => {
    const numbers = deploys.map(({ number }) => number).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: PUSHES }, (_, n) => n + 1));
    const ids = deploys.map(({ id }) => id).sort();
    expect(ids).toEqual(answers.map(({ deploy_id: id }) => id ?? "").sort());
    for (const deploy of deploys) {
      if (deploy.status === "superseded") {
        const by = deploys.find(({ id }) => id === deploy.superseded_by);
        expect(by).toMatchObject({ target: deploy.target });
        expect(by?.number).toBeGreaterThan(deploy.number);
        expect(deploy.reason).toContain(`#${by?.number}`);
      } else {
        expect(deploy.status).toBe("succeeded");
      }
    }
  });

  test("never have two in flight, and no deployment but their own", async () => {
    const journal = await world.pages.journal();
    const made = madeFor(journal, "burst");
    expect(overlap(journal, made)).toBeNull();
    expect([...made].sort()).toEqual(
      deploys.flatMap(({ deployment }) => deployment?.id ?? []).sort(),
    );
  });

  test("leave the newest of each branch live", async () => {
    const journal = await world.pages.journal();
    for (const branch of BRANCHES) {
      const newest = newestOf(deploys, branch);
      expect(newest?.status).toBe("succeeded");
      expect(liveOn(journal, "burst", branch)).toBe(newest?.deployment?.id);
    }
  });

  test("are told in sequence, without a gap and with no signature refused", () => {
    const { heard, refused } = project.receiver;
    const first = heard.filter(({ attempt }) => attempt === 1).map(({ event }) => event.sequence);
    expect(first).toEqual([...first].sort((a, b) => a - b));
    expect(isGapless(project.receiver.events())).toBe(true);
    expect(refused).toEqual([]);
  });
});

describe("with a lane for each target", () => {
  test("the branches deploy side by side, each one at a time", async () => {
    const project = await world.gitProject("lanes", { lane: "target" });
    // Long enough for several to be seen side by side, whatever this machine is busy with.
    await world.pages.speed({ factor: 0.5 });
    await world.calls(18);
    await burst(project, 15);
    const deploys = await settled(project, 15);
    const journal = await world.pages.journal();
    for (const branch of BRANCHES) {
      const own = deploys.filter((deploy) => deploy.branch === branch);
      const made = own.flatMap(({ deployment }) => deployment?.id ?? []);
      expect(overlap(journal, made)).toBeNull();
      expect(liveOn(journal, "lanes", branch)).toBe(newestOf(deploys, branch)?.deployment?.id);
    }
    expect(overlap(journal, madeFor(journal, "lanes"))).not.toBeNull();
  });
});
