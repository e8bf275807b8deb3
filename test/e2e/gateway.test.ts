import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toFile } from "cloudflare";
import { liveOn, madeFor, overlap } from "../../scripts/demo/journal.ts";
import { until } from "../../scripts/demo/wait.ts";
import { adopted, exitOf, gated, sdkOf, waitsFor } from "./support/gateway.ts";
import { straight, stored, through, wranglerBy } from "./support/ways.ts";
import type { Way } from "./support/ways.ts";
import { OUTPUT } from "../sandbox/wrangler.ts";
import { World } from "./support/world.ts";

type Sdk = ReturnType<typeof sdkOf>;

let world: World;
let direct: Way & { close(): Promise<void> };
let gateway: Way;
beforeAll(async () => {
  world = await World.start();
  direct = await straight();
  gateway = await through(world);
  await Promise.all([direct, gateway].map(async ({ pages }) => pages.speed({ factor: 0.1 })));
  await world.calls(16);
});
afterAll(async () => {
  await direct.close();
  await world.stop();
});

const SITE = { "dist/index.html": "<h1>hi</h1>\n", "dist/css/a.css": "body{}\n" };
const COMMIT = ["--commit-hash", "abc", "--commit-message", "Ünï", "--commit-dirty=true"];
const RULES = {
  "dist/_redirects": "/old /css/a.css 301\n",
  "dist/_headers": "/*\n  X-Greeting: hello\n",
};
const MANY = Object.fromEntries(
  Array.from({ length: 500 }, (_, n) => [`dist/pages/${n}.html`, `<p>${n}</p>\n`]),
);

describe.concurrent("the SDK, through the gateway", { timeout: 150_000 }, () => {
  // First, since it takes longest.
  test("gets a queued deployment when it would have to wait, whose id stays good", async (context) => {
    const it = await gated(world, context, "patient");
    const { deployments, account } = sdkOf(it.target);
    const params = { ...account, project_name: "patient" };
    const unlock = await it.lock();
    const early = await deployments.create("patient", { ...account, manifest: "{}" });
    expect(early.latest_stage).toMatchObject({ name: "queued", status: "active" });
    expect((await deployments.get(early.id, params)).latest_stage.status).toBe("active");
    const listed = await deployments.list("patient", account);
    expect(listed.result.map(({ id }) => id)).toEqual([early.id]);
    await unlock();
    const done = await until("it to be live", async () => {
      const seen = await deployments.get(early.id, params);
      return seen.latest_stage.status === "success" ? seen : null;
    });
    expect(madeFor(await world.pages.journal(), "patient")).toEqual([done.id]);
  });

  test("uploads as it does straight to Cloudflare", async () => {
    const [one, other] = await Promise.all(
      [direct, gateway].map(async (way) => {
        await way.addProject({ name: "sdk-upload" });
        const { deployments, account } = sdkOf(way.target);
        const made = await deployments.create("sdk-upload", {
          ...account,
          manifest: "{}",
          branch: "feature/x",
          commit_hash: "abc",
          commit_dirty: "true",
          _headers: await toFile(Buffer.from("/*\n  A: b\n"), "_headers"),
        });
        const { environment, deployment_trigger: trigger } = made;
        return { environment, trigger, stored: await live(way, "sdk-upload") };
      }),
    );
    expect(one?.environment).toBe("preview");
    expect(one?.stored.parts.map(({ name }) => name)).toContain("_headers");
    expect(other).toEqual(one);
  });

  test.for([
    [
      "JSON",
      async ({ cloudflare, account }: Sdk, name: string) =>
        cloudflare.post(`/accounts/${account.account_id}/pages/projects/${name}/deployments`, {
          body: {},
        }),
    ],
    [
      "an empty form",
      async ({ deployments, account }: Sdk, name: string) => deployments.create(name, account),
    ],
  ] as const)("asks for a build by %s as it does straight to Cloudflare", async ([what, ask]) => {
    const name = `build-${what.length}`;
    const [one, other] = await Promise.all(
      [direct, gateway].map(async (way) => {
        await way.addProject({ name, source: "acme/blog" });
        await ask(sdkOf(way.target), name);
        const { environment, aliases, trigger } = await live(way, name);
        const { commit_message: message, ...metadata } = trigger?.metadata ?? {};
        return { message, same: { environment, aliases, type: trigger?.type, metadata } };
      }),
    );
    expect(one?.same.environment).toBe("production");
    expect(other?.same).toEqual(one?.same);
    // What nothing else tells apart gets a message of its own, by which it can be found when its answer is lost.
    expect(other?.message).toMatch(/^Signalbox deploy dpl_/);
  });

  test("creates, reads, lists, retries and rolls back", async (context) => {
    const it = await gated(world, context, "sdk");
    const { cloudflare, deployments, account } = sdkOf(it.target);
    const params = { ...account, project_name: "sdk" };
    const create = async () =>
      deployments.create("sdk", { ...account, manifest: "{}", branch: "main" });
    const first = await create();
    expect(first.latest_stage).toMatchObject({ name: "deploy", status: "success" });
    expect(await deployments.get(first.id, params)).toEqual(first);
    const second = await deployments.retry(first.id, params);
    expect(second.id).not.toBe(first.id);
    expect((await deployments.rollback(first.id, params)).id).toBe(first.id);
    const live = await cloudflare.pages.projects.get("sdk", account);
    expect(live.canonical_deployment?.id).toBe(first.id);
    const listed = [];
    for await (const { id } of deployments.list("sdk", account)) {
      listed.push(id);
    }
    expect(listed).toEqual([second.id, first.id]);
    const logs = await deployments.history.logs.get(first.id, params);
    expect(logs.total).toBe(logs.data?.length);
  });

  test("that gives up and sends again makes one deployment", async (context) => {
    const it = await gated(world, context, "again");
    const unlock = await it.lock();
    const { deployments, account } = sdkOf(it.target, { timeout: 3_000, maxRetries: 10 });
    const asked = deployments.create("again", { ...account, manifest: "{}", branch: "main" });
    await until("it to have been sent twice", async () => {
      const [deploy] = await world.signalbox.deploys("again");
      return Date.now() > Date.parse(deploy?.created_at ?? "") + 4_500;
    });
    await unlock();
    const { id } = await asked;
    expect(madeFor(await world.pages.journal(), "again")).toEqual([id]);
    expect(await world.signalbox.deploys("again")).toHaveLength(1);
  });

  test("is told of a failure when a rollback has taken the place of its deploy", async (context) => {
    const it = await gated(world, context, "overtaken");
    const { deployments, account } = sdkOf(it.target);
    const create = async (commit_hash: string) =>
      deployments.create("overtaken", { ...account, manifest: "{}", branch: "main", commit_hash });
    await create("a1");
    await create("b2");
    await it.lock();
    const asked = create("c3").catch((error: unknown) => error);
    await it.newest("wait", waitsFor("lock"));
    await world.signalbox.ask("POST", `${it.base}/rollback`);
    expect(await asked).toMatchObject({ status: 409, errors: [{ code: 8_900_004 }] });
  });
});

/** What wrangler-action takes from wrangler's file: one entry of this type and version, with these fields of these kinds. */
const FOR_ACTION = {
  type: "pages-deploy-detailed",
  version: 1,
  deployment_id: expect.any(String) as string,
  url: expect.stringMatching(/^https:\/\//) as string,
  production_branch: "main",
  deployment_trigger: { metadata: { commit_hash: expect.any(String) as string } },
  timestamp: expect.any(String) as string,
};

describe.concurrent("wrangler, straight and through the gateway", { timeout: 150_000 }, () => {
  test.for([
    [
      "a static site with rules",
      "static",
      { ...SITE, ...RULES },
      [["--branch", "main", ...COMMIT]],
      ["Uploaded 2 files", "Uploading _headers", "Uploading _redirects"],
      ["manifest", "branch", "commit_message", "commit_hash", "commit_dirty", "_headers"],
      { environment: "production" },
    ],
    [
      "the same site a second time",
      "twice",
      { "dist/index.html": "again" },
      [
        ["--branch", "main"],
        ["--branch", "main"],
      ],
      ["Uploaded 0 files (1 already uploaded)"],
      ["manifest", "branch"],
      { environment: "production" },
    ],
    [
      "a preview with Functions",
      "functions",
      {
        "dist/index.html": "functions",
        "functions/api/hello.js": "export const onRequest = () => new Response('hello');",
      },
      [["--branch", "feature/x"]],
      ["Uploading Functions bundle", "Deployment alias URL: https://feature-x.functions.pages.dev"],
      ["_worker.bundle", "functions-filepath-routing-config.json", "_routes.json"],
      { environment: "preview", alias: "https://feature-x.functions.pages.dev" },
    ],
    [
      "a _worker.js",
      "worker",
      {
        "dist/index.html": "worker",
        "dist/_worker.js": "export default { fetch: () => new Response('worker') };",
      },
      [["--branch", "main"]],
      ["Compiled Worker successfully"],
      ["_worker.bundle"],
      { environment: "production" },
    ],
    [
      "500 files",
      "many",
      MANY,
      [["--branch", "main"]],
      ["Uploaded 500 files"],
      ["manifest"],
      { environment: "production" },
    ],
  ] as const)("publishes %s alike", async ([, name, files, runs, says, sends, writes], context) => {
    const [one, other] = await Promise.all(
      [direct, gateway].map(async (way) => wranglerBy(way, context, name, files, ...runs)),
    );
    expect(one?.code).toBe(0);
    expect(one?.lines.join("\n")).toContain("Deployment complete!");
    says.forEach((line) => expect(one?.lines.join("\n")).toContain(line));
    expect(one?.parts.map((part) => part.name)).toEqual(expect.arrayContaining([...sends]));
    expect(one?.written).toContainEqual({ ...FOR_ACTION, pages_project: name, ...writes });
    expect(other).toEqual(one);
  });
});

describe.concurrent("wrangler through the gateway", { timeout: 150_000 }, () => {
  test("writes down what wrangler-action reads, and the site is served with its rules", async (context) => {
    const name = "action";
    const it = await gated(world, context, name);
    const space = it.inFolder({ "dist/index.html": "action", ...RULES });
    expect((await space.deploy("--branch", "main", ...COMMIT)).code).toBe(0);
    const [deploy] = await world.signalbox.deploys(name);
    expect(deploy).toMatchObject({
      kind: "upload",
      status: "succeeded",
      trigger: { kind: "gateway" },
      commit_hash: "abc",
      commit_message: "Ünï",
      commit_dirty: true,
    });
    const written = space.read(OUTPUT).trim().split("\n");
    const entries = written.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries).toContainEqual({
      ...FOR_ACTION,
      pages_project: name,
      deployment_id: deploy?.deployment?.id,
      url: deploy?.deployment?.url,
      environment: "production",
      deployment_trigger: { metadata: { commit_hash: "abc" } },
    });
    const home = await world.pages.page(`${name}.pages.dev`);
    expect([home.text, home.headers.get("x-greeting")]).toEqual(["action", "hello"]);
    expect((await world.pages.page(`${name}.pages.dev`, "/old")).status).toBe(301);
  });

  test.for(["adopt", "fail"] as const)(
    "five at once, every second build failing, run one at a time and exit as they ended (%s)",
    async (superseded, context) => {
      const name = `five-${superseded}`;
      const it = await gated(world, context, name, {
        gateway: { superseded, max_wait_minutes: 30 },
      });
      // The first is slow, so that there is something to be superseded behind it.
      for (const delay_ms of [5_000, 10, 10]) {
        const create = { call: "create", project: name } as const;
        await world.pages.fault({ ...create, kind: "unknown_enum", delay_ms });
        await world.pages.fault({ ...create, kind: "fail_build" });
      }
      const deploy = async (n: number) => {
        const space = it.inFolder({ "dist/index.html": `${superseded} ${n}` });
        return space.deploy("--branch", "main", "--commit-hash", `c${n}`);
      };
      const first = deploy(1);
      await it.newest("run", ({ status }) => status === "running");
      const runs = await Promise.all([first, ...[2, 3, 4, 5].map(deploy)]);
      const deploys = await world.signalbox.deploys(name);
      expect(deploys).toHaveLength(5);
      const ends = runs.map((_, n) => {
        const own = deploys.find(({ commit_hash: hash }) => hash === `c${n + 1}`);
        return own === undefined ? null : { adopt: adopted(deploys, own), fail: own }[superseded];
      });
      expect(runs.map(({ code }) => code)).toEqual(ends.map((end) => end && exitOf(end)));
      const journal = await world.pages.journal();
      expect(overlap(journal, madeFor(journal, name))).toBeNull();
      const statuses = deploys.map(({ status }) => status);
      expect(statuses).toEqual(expect.arrayContaining(["succeeded", "failed"]));
      const last = deploys.find(({ status }) => status === "succeeded");
      expect(liveOn(journal, name, "main")).toBe(last?.deployment?.id);
      expect((await world.pages.page(`${name}.pages.dev`)).text).toBe(
        `${superseded} ${last?.commit_hash?.slice(1)}`,
      );
    },
  );
});

describe("wrangler whose connection is lost", () => {
  test("fails, and its deploy goes on when Signalbox is there again", async (context) => {
    const it = await gated(world, context, "killed");
    const unlock = await it.lock();
    const running = it.deploy("--branch", "main");
    const { id } = await it.newest("wait", waitsFor("lock"));
    await world.stack.kill();
    const { code, output } = await running;
    expect(code).toBe(1);
    expect(output).toContain("terminated");
    await world.stack.restart();
    await unlock();
    expect((await world.signalbox.ended("killed", id)).status).toBe("succeeded");
    expect(await world.signalbox.deploys("killed")).toHaveLength(1);
    expect((await world.pages.page("killed.pages.dev")).text).toBe("killed");
  });
});

async function live(way: Way, project: string) {
  await until(`${project} to be live`, async () => {
    const { latest_deployment: latest } = await way.pages.project(project);
    const { name, status } = latest?.latest_stage ?? {};
    return name === "deploy" && status === "success";
  });
  return stored(way, project);
}
