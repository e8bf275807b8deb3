import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { madeFor } from "../../scripts/demo/journal.ts";
import { until } from "../../scripts/demo/wait.ts";
import type { Deploy, Lock } from "../../src/project/shapes.ts";
import { World } from "./support/world.ts";
import type { GitProject } from "./support/world.ts";

/** The rules of the line, by real pushes, tokens and events; each project has one of its own. */

let world: World;
const projects: string[] = [];
beforeAll(async () => {
  world = await World.start();
  await world.pages.speed({ factor: 0.1 });
});
afterAll(async () => {
  await world.stop();
});

async function project(name: string, policy: object = {}): Promise<GitProject> {
  projects.push(name);
  return world.gitProject(name, policy);
}

const at = (name: string): string => `/v1/projects/${name}`;

async function push(git: GitProject, branch?: string): Promise<string> {
  return (await git.push(branch)).deploy_id ?? "";
}

const get = (git: GitProject, id: string): Promise<Deploy> => world.signalbox.deploy(git.name, id);
const typesTold = (git: GitProject): string[] => git.receiver.events().map(({ type }) => type);

async function deployToken(git: GitProject): Promise<Record<string, string>> {
  const asked = { scopes: ["deploy"] };
  const made = await world.signalbox.ask<{ token: string }>(
    "POST",
    `${at(git.name)}/tokens`,
    asked,
  );
  return { authorization: `Bearer ${made.token}` };
}

describe("a lock", () => {
  test("holds pushes with who and why, and releases the newest when it is taken away", async () => {
    const git = await project("locked");
    const asked = { reason: "the fair", holder: "Ada", environment: "production" };
    const lock = await world.signalbox.ask<Lock>("POST", `${at(git.name)}/locks`, asked);
    const older = await push(git);
    const newest = await push(git);
    expect(await get(git, newest)).toMatchObject({
      status: "queued",
      waiting: { for: "lock", until: null },
      reason: "Waits for a lock (Ada: the fair).",
    });
    const view = await world.signalbox.ask<{ locks: Lock[] }>("GET", at(git.name));
    expect(view.locks).toEqual([lock]);
    const impatient = `${at(git.name)}/deploys?if_locked=refuse`;
    expect(await world.signalbox.send("POST", impatient, {})).toMatchObject({ status: 423 });
    expect(await world.signalbox.deploys(git.name)).toHaveLength(2);
    await world.signalbox.send("DELETE", `${at(git.name)}/locks/${lock.id}`);
    expect((await git.toldOfEnd(newest)).status).toBe("succeeded");
    expect((await get(git, older)).status).toBe("superseded");
    expect(typesTold(git)).toEqual(
      expect.arrayContaining([
        "project.locked",
        "deploy.held",
        "project.unlocked",
        "deploy.released",
      ]),
    );
  });

  test("ends by itself, also when Signalbox was killed meanwhile; approval outlasts that too", async () => {
    const git = await project("over");
    const approved = await project("outlasting", {
      approval: { environments: ["production"], expires_hours: 1 },
    });
    const end = Date.now() + 6_000;
    const asked = { reason: "a moment", until: new Date(end).toISOString() };
    await world.signalbox.ask("POST", `${at(git.name)}/locks`, asked);
    const held = await push(git);
    const asks = await push(approved);
    await world.stack.kill();
    await world.stack.restart();
    // Nobody asks: what happens comes from what was stored.
    const ended = await git.toldOfEnd(held, 40_000);
    expect(ended.status).toBe("succeeded");
    expect(Date.parse(ended.started_at ?? "")).toBeGreaterThanOrEqual(end);
    expect((await get(approved, asks)).waiting?.for).toBe("approval");
    await world.signalbox.ask("POST", `${at(approved.name)}/deploys/${asks}/approve`);
    expect((await approved.toldOfEnd(asks)).status).toBe("succeeded");
  });
});

describe("approval", () => {
  test("is given or refused by somebody with manage, and by nobody else", async () => {
    const git = await project("approving", {
      approval: { environments: ["production"], expires_hours: 1 },
    });
    const first = await push(git);
    const path = `${at(git.name)}/deploys/${first}`;
    const refused = await world.signalbox.send(
      "POST",
      `${path}/approve`,
      undefined,
      await deployToken(git),
    );
    expect(refused.status).toBe(403);
    await world.signalbox.ask("POST", `${path}/reject`, { reason: "not today" });
    expect(await git.toldOfEnd(first)).toMatchObject({
      status: "canceled",
      reason_code: "rejected",
      reason: expect.stringContaining("not today"),
    });
    const second = await push(git);
    await world.signalbox.ask("POST", `${at(git.name)}/deploys/${second}/approve`);
    expect((await git.toldOfEnd(second)).status).toBe("succeeded");
    expect(madeFor(await world.pages.journal(), git.name)).toHaveLength(1);
  });
});

describe("a window", () => {
  test("holds until it opens, and a person can let one through with a reason", async () => {
    const git = await project("windowed");
    // Closed from a while ago until long from now, whenever this runs.
    const began = new Date(Date.now() - 60 * 60_000);
    const window = {
      action: "deny",
      environment: "production",
      cron: `${began.getUTCMinutes()} ${began.getUTCHours()} * * *`,
      duration_minutes: 180,
      time_zone: "UTC",
      reason: "the night",
    };
    await world.signalbox.ask("PATCH", `${at(git.name)}/policy`, { windows: [window] });
    const held = await push(git);
    const waits = await get(git, held);
    expect(waits.waiting?.for).toBe("window");
    const opens = Date.parse(waits.waiting?.until ?? "");
    expect(Math.abs(opens - (began.getTime() + 180 * 60_000))).toBeLessThan(60_000);
    await world.signalbox.ask("POST", `${at(git.name)}/deploys/${held}/release`, {
      reason: "the shop is down",
    });
    expect((await git.toldOfEnd(held)).status).toBe("succeeded");
    const override = git.receiver.events().find(({ data }) => data["override"] !== undefined);
    expect(override).toMatchObject({ type: "deploy.released", data: { held_for: "window" } });
    const next = await push(git);
    expect((await get(git, next)).waiting?.for).toBe("window");
    await world.signalbox.ask("PATCH", `${at(git.name)}/policy`, { windows: [] });
    expect((await git.toldOfEnd(next)).status).toBe("succeeded");
  });
});

describe("a hook's quiet period", () => {
  test("makes one deployment of a burst", async () => {
    const git = await project("quiet");
    const hook = `${at(git.name)}/hooks/${git.hook.id}`;
    await world.signalbox.ask("PATCH", hook, { quiet_period_seconds: 3 });
    let newest = "";
    for (let n = 0; n < 10; n++) {
      newest = await push(git);
    }
    expect((await git.toldOfEnd(newest)).status).toBe("succeeded");
    expect(madeFor(await world.pages.journal(), git.name)).toHaveLength(1);
  });
});

describe("a failed build", () => {
  test("is tried again as the same deploy", async () => {
    const git = await project("retrying", {
      retry: { limit: 1, stages: [], backoff_seconds: 5 },
    });
    await world.pages.fault({ call: "create", kind: "fail_build", project: git.name });
    const id = await push(git);
    expect(await git.toldOfEnd(id, 40_000)).toMatchObject({ status: "succeeded", retries: 1 });
    const made = madeFor(await world.pages.journal(), git.name);
    expect(made).toHaveLength(2);
  });
});

describe("a rollback", () => {
  test("is what is served, and stays it: the next push waits for the lock", async () => {
    const git = await project("rolling");
    const first = await git.toldOfEnd(await push(git));
    const second = await git.toldOfEnd(await push(git));
    const live = async (): Promise<unknown> =>
      (await world.pages.project(git.name)).canonical_deployment?.id;
    expect(await live()).toBe(second.deployment?.id);
    const answer = await world.signalbox.ask<{ deploy: Deploy }>(
      "POST",
      `${at(git.name)}/rollback`,
    );
    expect((await git.toldOfEnd(answer.deploy.id)).status).toBe("succeeded");
    expect(await live()).toBe(first.deployment?.id);
    const next = await push(git);
    expect(await get(git, next)).toMatchObject({
      waiting: { for: "lock" },
      reason: expect.stringContaining(`rolled back to #${first.number}`),
    });
    expect(await live()).toBe(first.deployment?.id);
  });

  test("while a build runs stays rolled back when that build ends", async () => {
    const git = await project("racing");
    const first = await git.toldOfEnd(await push(git));
    await git.toldOfEnd(await push(git));
    await world.pages.speed({ factor: 0.5 });
    const running = await push(git);
    await until("the build to run", async () => (await get(git, running)).status === "running");
    const answer = await world.signalbox.ask<{ deploy: Deploy }>(
      "POST",
      `${at(git.name)}/rollback`,
    );
    expect((await git.toldOfEnd(answer.deploy.id)).status).toBe("succeeded");
    await world.pages.speed({ factor: 0.1 });
    expect((await git.toldOfEnd(running, 40_000)).status).toBe("superseded");
    await until("what it put live to be undone", async () => {
      const { canonical_deployment: live } = await world.pages.project(git.name);
      const told = git.receiver.events().filter(({ type }) => type === "deploy.rolled_back");
      return live?.id === first.deployment?.id && told.length > 0;
    });
  });
});

describe("every reason", () => {
  test("that was given is one that the documents list", async () => {
    const listed = await readFile(new URL("../../docs/api.md", import.meta.url), "utf8");
    const given = new Set<string>();
    for (const name of projects) {
      for (const event of await world.signalbox.events(name)) {
        const code = (event.data["deploy"] as Deploy | undefined)?.reason_code;
        if (code != null) {
          given.add(code);
        }
      }
    }
    expect([...given]).toEqual(
      expect.arrayContaining(["lock", "window", "approval", "quiet_period"]),
    );
    expect([...given].filter((code) => !listed.includes(`\`${code}\``))).toEqual([]);
  });
});
