import { randomUUID } from "node:crypto";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { deliver, PUSH } from "../../scripts/demo/github.ts";
import { liveOn, madeFor } from "../../scripts/demo/journal.ts";
import type { HookAnswer } from "../../scripts/demo/push.ts";
import { Signalbox } from "../../scripts/demo/signalbox.ts";
import { until } from "../../scripts/demo/wait.ts";
import { freePort } from "../../scripts/lib/port.ts";
import { localSecrets } from "../../scripts/lib/secrets.ts";
import { startWorker } from "../../scripts/lib/workerd.ts";
import type { Accepted, Deploy } from "../../src/project/shapes.ts";
import { setColumn } from "./support/objects.ts";
import { DEFAULT_BRANCH, ends, isGapless, newCommit, World } from "./support/world.ts";
import type { GitProject } from "./support/world.ts";

let world: World;
let blog: GitProject;
const path = "/v1/projects/spine";

beforeAll(async () => {
  world = await World.start();
  blog = await world.gitProject("spine");
});
afterAll(async () => {
  await world.stop();
});
beforeEach(async () => {
  await world.pages.speed({ factor: 0.1 });
});

async function post(what: string, body?: unknown): Promise<Accepted> {
  return world.signalbox.ask("POST", `${path}${what}`, body);
}

describe("a push that GitHub signed", () => {
  test("becomes one deployment, is followed to its end, and is told", async () => {
    const id = randomUUID();
    const reply = await deliver(blog.hook, PUSH.body, { id });
    expect(reply.status).toBe(202);
    const [result] = (reply.json as HookAnswer).results;
    const deployId = result?.deploy_id ?? "";
    const deploy = await blog.toldOfEnd(deployId);
    expect(deploy).toMatchObject({
      status: "succeeded",
      branch: DEFAULT_BRANCH,
      environment: "production",
      commit_hash: PUSH.commit,
      commit_message: PUSH.message,
      trigger: { kind: "hook", source: "github", actor: "Codertocat", delivery_id: id },
      attempts: 1,
    });
    expect(deploy.stages.map(({ name, status }) => [name, status])).toEqual(
      ["queued", "initialize", "clone_repo", "build", "deploy"].map((name) => [name, "success"]),
    );
    const journal = await world.pages.journal();
    expect(madeFor(journal, "spine")).toEqual([deploy.deployment?.id]);
    expect(liveOn(journal, "spine", DEFAULT_BRANCH)).toBe(deploy.deployment?.id);

    const { heard, refused } = blog.receiver;
    expect(refused).toEqual([]);
    expect(heard.every(({ event, headers }) => headers["webhook-id"] === event.id)).toBe(true);
    const events = blog.receiver.events();
    expect(isGapless(events)).toBe(true);
    expect(events.at(0)?.type).toBe("deploy.queued");
    expect(events.map(({ id }) => id)).toEqual(
      (await world.signalbox.events("spine")).slice(-events.length).map(({ id }) => id),
    );
  });

  test("that comes twice makes nothing more", async () => {
    const [commit, id] = [newCommit(), randomUUID()];
    const first = await blog.push("twice", { commit, id });
    const again = await blog.push("twice", { commit, id });
    expect(again).toMatchObject({ outcome: "duplicate", deploy_id: first.deploy_id });
    await blog.toldOfEnd(first.deploy_id ?? "");
    const deploys = await world.signalbox.deploys("spine");
    expect(deploys.filter(({ branch }) => branch === "twice")).toHaveLength(1);
  });

  test("with another secret is refused, and told", async () => {
    const reply = await deliver({ ...blog.hook, secret: "another" }, PUSH.body);
    expect(reply.status).toBe(401);
    expect(reply.json).toMatchObject({ code: "bad_signature" });
    await until("the refusal to be told", () =>
      blog.receiver.events().some(({ type }) => type === "hook.refused"),
    );
  });
});

describe("deploys", () => {
  test("?wait= answers with the end", async () => {
    const { deploy } = await post("/deploys?wait=30", { branch: "waited", commit_hash: "a1b2c3d" });
    expect(deploy).toMatchObject({ status: "succeeded", commit_hash: "a1b2c3d" });
  });

  test("a build that fails says where, has a log, and is deployed again by a retry", async () => {
    await world.pages.fault({ call: "create", kind: "fail_build", project: "spine" });
    const { deploy: failed } = await post("/deploys?wait=30", { branch: "broken" });
    expect(failed).toMatchObject({ status: "failed", reason: "Failed in build." });
    const log = await world.signalbox.ask<{ items: { line: string }[] }>(
      "GET",
      `${path}/deploys/${failed?.id}/logs`,
    );
    expect(log.items.at(-1)?.line).toBe("Failed: build command exited with code: 1");

    const again = await post(`/deploys/${failed?.id}/retry`);
    expect(again.deploy).toMatchObject({ retry_of: failed?.id, number: (failed?.number ?? 0) + 1 });
    const deploy = await world.signalbox.ended("spine", again.deploy?.id ?? "");
    expect(deploy).toMatchObject({ status: "succeeded", branch: "broken" });
    const types = (await world.signalbox.events("spine")).map(({ type }) => type);
    expect(types).toContain("deploy.recovered");
  });

  test("cancel ends one that waits, and stops one that runs at Cloudflare", async () => {
    await world.pages.speed({ stages: { build: 60_000 } });
    const { deploy: first } = await post("/deploys", { branch: "long" });
    await until("it to build", async () => {
      const { status } = await world.signalbox.deploy("spine", first?.id ?? "");
      return status === "running";
    });
    const { deploy: second } = await post("/deploys", { branch: "waits" });
    expect(second).toMatchObject({ status: "queued", waiting: { for: "turn" } });

    const cancel = (id?: string): Promise<Deploy> =>
      world.signalbox.ask("POST", `${path}/deploys/${id}/cancel`);
    expect(await cancel(second?.id)).toMatchObject({ status: "canceled", deployment: null });
    const { deployment, status } = await cancel(first?.id);
    expect(status).toBe("canceled");
    await until("Cloudflare to have stopped it", async () =>
      (await world.pages.journal()).transitions.some(
        (step) => step.deployment === deployment?.id && step.stage_status === "canceled",
      ),
    );
    const again = await world.signalbox.send("POST", `${path}/deploys/${first?.id}/cancel`);
    expect(again.status).toBe(409);
  });
});

describe("a schedule", () => {
  test("deploys once for the times that passed while nothing ran, when cron wakes it", async () => {
    // A project of its own: nothing else wakes its object.
    const { receiver } = await world.gitProject("daily");
    const schedules = "/v1/projects/daily/schedules";
    const { id, next_runs: next } = await world.signalbox.ask<{ id: string; next_runs: string[] }>(
      "POST",
      schedules,
      { cron: "30 6 * * *", time_zone: "Europe/Paris", branch: "nightly" },
    );
    expect(next).toHaveLength(5);
    await world.stack.kill();
    const threeDaysAgo = Date.now() - 3 * 86_400_000;
    setColumn(world.dir, "daily", { table: "schedules", column: "due_at", value: threeDaysAgo });
    await world.stack.restart();
    expect(await world.stack.worker.cron()).toBe("ok");

    const [deploy] = await until("the deploy's end to be told", () => {
      const ended = ends(receiver.events());
      return ended.length > 0 && ended;
    });
    expect(deploy).toMatchObject({
      status: "succeeded",
      branch: "nightly",
      trigger: { kind: "schedule", actor: id },
    });
    expect(await world.signalbox.deploys("daily")).toHaveLength(1);
    const schedule = await world.signalbox.ask("GET", `${schedules}/${id}`);
    expect(schedule).toMatchObject({ next_runs: next });
  });
});

describe("tokens", () => {
  test("do what their scope says, where it says, until they are revoked", async () => {
    const make = async (where: string, scope: string): Promise<{ id: string; as: Signalbox }> => {
      const made = await world.signalbox.ask<{ id: string; token: string }>("POST", where, {
        scopes: [scope],
      });
      return { id: made.id, as: new Signalbox(world.stack.info.url, made.token) };
    };
    const { id, as: deployer } = await make(`${path}/tokens`, "deploy");
    const { as: reader } = await make("/v1/tokens", "read");
    const status = async (as: Signalbox, method: string, where: string): Promise<number> => {
      const body = method === "GET" ? undefined : {};
      return (await as.send(method, where, body)).status;
    };
    expect(await status(deployer, "POST", `${path}/deploys`)).toBe(202);
    expect(await status(deployer, "GET", path)).toBe(200);
    expect(await status(deployer, "POST", `${path}/tokens`)).toBe(403);
    expect(await status(deployer, "GET", "/v1/projects/blog")).toBe(401);
    expect(await status(reader, "GET", "/v1/projects/blog")).toBe(200);
    expect(await status(reader, "POST", `${path}/deploys`)).toBe(403);

    const revoked = await world.signalbox.send("DELETE", `${path}/tokens/${id}`);
    expect(revoked.status).toBe(204);
    const refused = await deployer.send("GET", path);
    expect(refused.json).toMatchObject({ status: 401, code: "revoked_token" });
  });
});

describe("the older credential", () => {
  test("e-mail and key in place of a token deploy just as well", async () => {
    await using dir = await mkdtempDisposable(join(tmpdir(), "signalbox-key-"));
    const port = await freePort();
    const { info } = world.stack;
    const { keys } = await localSecrets(world.dir);
    const worker = await startWorker({
      port,
      stateDir: dir.path,
      vars: {
        SIGNALBOX_KEYS: keys,
        CLOUDFLARE_ACCOUNT_ID: info.account_id,
        CLOUDFLARE_EMAIL: "sandbox@example.com",
        CLOUDFLARE_API_KEY: "sandbox-key",
        CLOUDFLARE_API_BASE_URL: `${info.sandbox_url}/client/v4`,
      },
    });
    try {
      const signalbox = new Signalbox(worker.url, info.token);
      await signalbox.ask("PUT", "/v1/projects/blog", {});
      const { deploy } = await signalbox.ask<Accepted>(
        "POST",
        "/v1/projects/blog/deploys?wait=30",
        {},
      );
      expect(deploy?.status).toBe("succeeded");
    } finally {
      await worker.stop();
    }
  });
});
