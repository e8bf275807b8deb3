import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { newId } from "../../../src/ids.ts";
import { deliver, makeHook, type MadeHook, push } from "./github.ts";
import { siteForm, upload } from "../support/form.ts";
import { Edge, expectProblem, leave } from "./edge.ts";
import {
  anew,
  exported,
  imports,
  lived,
  type Line,
  linesIn,
  NDJSON,
  of,
  textOf,
} from "./exported.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

/** What docs/backup.md says is not the same again. */
function comparable(text: string): Line[] {
  return linesIn(text)
    .filter(({ kind, data }) => kind !== "event" || !String(data["type"]).startsWith("project."))
    .map(({ kind, data }) => {
      switch (kind) {
        case "signalbox":
          return { kind, data: { ...data, exported_at: "" } };
        case "hook":
          return { kind, data: { ...data, revision: 0 } };
        case "policy":
          return { kind, data: { ...data, policy_revision: 0 } };
        case "subscriber":
          return { kind, data: { ...data, state: "", reason: "", header_names: [] } };
        case "numbers":
          return { kind, data: { ...data, sequence: 0 } };
        case "end":
          return { kind, data: {} };
        default:
          return { kind, data };
      }
    });
}

describe("an export", () => {
  it("is the same after an import, but for what the documents say", async () => {
    await lived(edge);
    const before = await exported(edge);
    const kinds = new Set(linesIn(before).map(({ kind }) => kind));
    expect([...kinds]).toEqual([
      "signalbox",
      "policy",
      "hook",
      "subscriber",
      "schedule",
      "trust",
      "lock",
      "deploy",
      "trigger",
      "run",
      "external",
      "event",
      "mark",
      "numbers",
      "end",
    ]);
    await anew(edge);
    const got = await imports(edge, before);
    expect(got.body).toMatchObject({
      from: edge.world.name,
      imported: { policy: 1, hook: 2, subscriber: 3, deploy: 5, numbers: 1 },
    });
    const after = await exported(edge);
    expect(comparable(after)).toEqual(comparable(before));
    const [, was, is] = ["", before, after].map(
      (text) => of(linesIn(text || before), "numbers")[0],
    );
    expect(Number(is?.["sequence"])).toBeGreaterThan(Number(was?.["sequence"]));
  });

  it("is told of, and so is an import", async () => {
    const text = await exported(edge);
    await anew(edge);
    expect((await imports(edge, text)).status).toBe(200);
    const events = await edge.world.events();
    expect(events.map(({ type }) => type)).toEqual([
      "project.registered",
      "project.exported",
      "project.registered",
      "project.imported",
    ]);
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(events[3]?.data).toEqual({
      by: expect.stringMatching(/^tok_/),
      from: edge.world.name,
      imported: expect.objectContaining({ policy: 1, event: 2 }),
    });
  });

  it("comes as a file, and is not begun before somebody reads it", async () => {
    const head = await edge.on("HEAD", "/export");
    expect(head.status).toBe(200);
    expect(head.headers.get("content-disposition")).toMatch(
      /^attachment; filename="p-\w+-\d{4}-\d\d-\d\d\.ndjson"$/,
    );
    expect(head.headers.get("content-type")).toBe("application/x-ndjson");
    const types = (await edge.world.events()).map(({ type }) => type);
    expect(types).not.toContain("project.exported");
  });

  it("of settings alone is of what people have set up", async () => {
    await lived(edge);
    const text = await exported(edge, "?include=settings");
    expect(new Set(linesIn(text).map(({ kind }) => kind))).toEqual(
      new Set(["signalbox", "policy", "hook", "subscriber", "schedule", "trust", "end"]),
    );
    const other = await Edge.create();
    const got = await imports(other, text);
    expect(got.body.imported).toEqual({
      policy: 1,
      hook: 2,
      subscriber: 3,
      schedule: 1,
      trust: 1,
    });
    // The next deploy there is its first.
    const made = await other.on("POST", "/deploys", { json: { branch: "main" } });
    expect(made.body.deploy.number).toBe(1);
    expectProblem(await edge.on("GET", "/export?include=some"), 400, "query_invalid");
  });
});

describe("what was imported", () => {
  it("starts nothing and tells nobody, and goes on with numbers that were never given", async () => {
    const { world } = edge;
    await lived(edge);
    const waiting = await world.push();
    await world.run(2_000, async () => {
      const { status } = await world.deploy(waiting.deploy?.id ?? "");
      return status === "running";
    });
    const held = await world.push({ branch: "preview-branch" });
    const text = await exported(edge);
    const deployments = world.created().length;
    await anew(edge);
    const told: string[] = [];
    world.receivers.set("hooks.example", async (request) => {
      told.push(await request.text());
      return new Response(null, { status: 204 });
    });
    const got = await imports(edge, text);
    expect(got.status).toBe(200);
    expect(got.body.remarks).toContainEqual({
      kind: "deploy",
      id: null,
      detail: "2 deploys had not ended and are canceled here. Ask for what is still wanted again.",
    });
    for (const { deploy } of [waiting, held]) {
      expect(await world.deploy(deploy?.id ?? "")).toMatchObject({
        status: "canceled",
        reason_code: "ended_by_import",
        deployment: null,
      });
    }
    await world.run(3_600_000);
    expect(world.created().length).toBe(deployments);
    expect(told).toEqual([]);
    const next = await edge.on("POST", "/deploys", { json: { branch: "main" } });
    expect(next.body.deploy.number).toBe(8);
    const ended = await world.ended(next.body.deploy.id as string);
    expect(ended.status).toBe("succeeded");
  });

  it("waits for what still runs at Cloudflare, as for a build of others", async () => {
    const { world } = edge;
    world.sandbox.fault({ call: "create", kind: "stuck" });
    const id = (await world.push()).deploy?.id ?? "";
    await world.run(60_000, async () => (await world.deploy(id)).stages.length > 0);
    const text = await exported(edge);
    await anew(edge);
    world.pass(60_000);
    expect((await imports(edge, text)).status).toBe(200);
    await world.run(60_000);
    const types = (await world.events()).map(({ type }) => type);
    expect(types).toContain("external.started");
    const next = await world.push();
    await world.run(60_000);
    const { reason_code } = await world.deploy(next.deploy?.id ?? "");
    expect(reason_code).toBe("external");
  });

  it("has live what was live, and can go back to what was before", async () => {
    const { world } = edge;
    for (let n = 0; n < 2; n++) {
      await world.ended((await world.push()).deploy?.id ?? "");
    }
    const before = await world.stub().view();
    const text = await exported(edge);
    await anew(edge);
    await imports(edge, text);
    const after = await world.stub().view();
    expect(after?.live).toEqual({ ...before?.live, links: after?.live?.links });
    expect(after?.live?.deployment).not.toBeNull();
    const back = await world.rollBack();
    expect((await world.ended(back.deploy?.id ?? "")).status).toBe("succeeded");
  });

  it("knows what was delivered before, and which run of a workflow was the latest", async () => {
    const { world } = edge;
    const pushed = await world.push({ delivery: "delivery-1" });
    await world.ended(pushed.deploy?.id ?? "");
    const text = await exported(edge);
    await anew(edge);
    await imports(edge, text);
    expect((await world.push({ delivery: "delivery-1" })).outcome).toBe("duplicate");
  });

  it("has no secrets: hooks and subscribers wait until they are given new ones", async () => {
    const { hook, chat, subscriber } = await lived(edge);
    const text = await exported(edge);
    await anew(edge);
    const { body } = await imports(edge, text);
    const remarked = (body.remarks as { id: string | null }[]).map(({ id }) => id);
    expect(remarked).toEqual(expect.arrayContaining([hook, chat, subscriber]));

    const seen = await edge.on("GET", `/hooks/${hook}`);
    expect(seen.body).toMatchObject({ state: "awaiting_secret", secrets: 0 });
    const renewed = await edge.on("PATCH", `/hooks/${hook}`, { json: { rotate_secret: true } });
    expect(renewed.body).toMatchObject({ state: "active", secret: expect.any(String) });

    for (const id of [subscriber, chat]) {
      expect((await edge.on("GET", `/subscribers/${id}`)).body).toMatchObject({
        state: "disabled",
        reason: expect.stringContaining("imported without"),
      });
      const switched = await edge.on("PATCH", `/subscribers/${id}`, { json: { state: "active" } });
      expectProblem(switched, 409, "conflict");
    }
    const keyring = (await edge.send("GET", "/v1/keyring")).text;
    expect(keyring).not.toContain('""');

    const rotated = await edge.on("POST", `/subscribers/${subscriber}/rotate`, { json: {} });
    expect(rotated.body).toMatchObject({ secret: expect.any(String), old_secret_until: null });
    const on = await edge.on("PATCH", `/subscribers/${subscriber}`, { json: { state: "active" } });
    expect(on.body).toMatchObject({ state: "active", reason: null, waiting: 0 });
    const url = "https://hooks.slack.com/services/T000/B000/anothersecretsecret";
    const json = { url, state: "active" };
    expect((await edge.on("PATCH", `/subscribers/${chat}`, { json })).status).toBe(200);
  });

  it("does not run what was due meanwhile", async () => {
    const { world } = edge;
    const at = new Date(world.now() + 600_000).toISOString();
    const once = await edge.on("POST", "/schedules", { json: { at, branch: "main" } });
    expect(once.status).toBe(201);
    await edge.on("POST", "/schedules", { json: { cron: "*/5 * * * *", branch: "main" } });
    const paused = await edge.on("POST", "/schedules", {
      json: { cron: "1 1 * * *", branch: "x" },
    });
    await edge.on("PATCH", `/schedules/${paused.body.id}`, { json: { paused: true } });
    const text = await exported(edge);
    await anew(edge);
    world.pass(3_600_000);
    await imports(edge, text);
    const got = await edge.on("GET", `/schedules/${once.body.id}`);
    expect(got.body).toMatchObject({
      last_outcome: "ignored",
      last_reason_code: "passed_before_import",
      next_runs: [],
    });
    expect(await world.stub().deploys(ALL)).toEqual([]);
    // The one that recurs does so again.
    await world.run(301_000);
    expect((await world.stub().deploys(ALL)).length).toBe(1);
  });

  it("in another Pages project has no deployments, and cannot be gone back to", async () => {
    await lived(edge);
    const text = await exported(edge);
    const other = await Edge.create();
    const got = await imports(other, text);
    expect(got.status).toBe(200);
    const view = await other.world.stub().view();
    expect(view).toMatchObject({ live: null, externals: [], policy: { mode: "all" } });
    const deploys = await other.world.stub().deploys(ALL);
    expect(deploys.map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
    expect(deploys.filter(({ deployment }) => deployment !== null)).toEqual([]);
    expectProblem(await other.on("POST", "/rollback"), 409, "conflict");
    // A key that was used there was not used here.
    const asked = await other.on("POST", "/deploys", {
      json: { branch: "main" },
      headers: { "idempotency-key": "once" },
    });
    expect(asked.body).toMatchObject({ outcome: "queued", deploy: { number: 6 } });
    // Both have the hook under one id, and each has its own secret.
    const [hook] = of(linesIn(text), "hook");
    const seen = await other.on("GET", `/hooks/${String(hook?.["id"])}`);
    expect(seen.body.state).toBe("awaiting_secret");
  });

  it("has hooks of one id in two projects, each with its own secret", async () => {
    const here = await makeHook(edge);
    const other = await Edge.create();
    await imports(other, await exported(edge));
    const renewed = await other.on("PATCH", `/hooks/${here.id}`, { json: { rotate_secret: true } });
    const there: MadeHook = { ...here, ...renewed.body, edge: other };
    // Now both have changed as often.
    for (const description of ["a", "b"]) {
      await edge.on("PATCH", `/hooks/${here.id}`, { json: { description } });
    }
    expect((await deliver(here, push())).status).toBe(202);
    expectProblem(await deliver(there, push(), { secret: here.secret }), 401, "bad_signature");
    expect((await deliver(there, push())).status).toBe(202);
    expectProblem(await deliver(here, push(), { secret: there.secret }), 401, "bad_signature");
  });

  it("leaves out health checks of domains that the project has not got", async () => {
    const own = `https://${edge.world.name}.pages.dev/health`;
    const json = { health: { checks: [{ url: own }, { url: "/" }] } };
    expect((await edge.on("PATCH", "/policy", { json })).status).toBe(200);
    const text = await exported(edge);
    const other = await Edge.create();
    const got = await imports(other, text);
    expect(got.body.remarks).toContainEqual({
      kind: "policy",
      id: null,
      detail: "1 of its health checks is about no domain of this project and left out.",
    });
    const { policy } = (await other.world.stub().policy()) ?? {};
    expect(policy?.health.checks.map(({ url }) => url)).toEqual(["/"]);
  });

  it("has no uploaded bodies", async () => {
    edge = await Edge.create({ source: "direct_upload" });
    const made = await upload(edge.world, await siteForm(edge.world));
    await edge.world.ended(made.deploy?.id ?? "");
    const text = await exported(edge);
    await anew(edge);
    expect((await imports(edge, text)).status).toBe(200);
    const again = await edge.on("POST", `/deploys/${made.deploy?.id}/retry`);
    expectProblem(again, 410, "body_expired");
  });
});

const ALL = { limit: 50, before: null, branch: null, environment: null, status: null } as const;

describe("an import that is refused", () => {
  async function refused(body: BodyInit, code: string, status: number, detail: RegExp) {
    const before = [await edge.trace(), await edge.world.stub().view()];
    const got = await imports(edge, body);
    expectProblem(got, status, code);
    expect(got.body.detail).toMatch(detail);
    expect([await edge.trace(), await edge.world.stub().view()]).toEqual(before);
  }

  it("says what is wrong, with the line, and writes nothing", async () => {
    await lived(edge);
    const lines = linesIn(await exported(edge));
    await anew(edge);
    const at = (kind: string): number => lines.findIndex((line) => line.kind === kind);
    const changed = (kind: string, change: object): string => {
      const n = at(kind);
      const data = { ...lines[n]?.data, ...change };
      return textOf(lines.with(n, { kind, data }));
    };
    const line = (kind: string): string => `^Line ${at(kind) + 1}: `;
    const first = (kind: string, word: string): RegExp => new RegExp(`${line(kind)}.*${word}`);

    const wrong: [string, RegExp][] = [
      ["", /^Line 1: .*cut off/],
      [textOf(lines.slice(0, -1)), new RegExp(`^Line ${lines.length}: .*cut off`)],
      [textOf(lines.slice(0, 3)), /^Line 4: .*cut off/],
      [textOf(lines.slice(1)), /^Line 1: this is not the first line/],
      [textOf(lines.toSpliced(5, 1)), new RegExp(`^Line ${lines.length - 1}: there are`)],
      [textOf([...lines, ...lines]), new RegExp(`^Line ${lines.length + 1}: comes after`)],
      [textOf(lines.with(3, lines[0] as Line)), /^Line 4: is the first line of another/],
      [changed("signalbox", { version: 2 }), /^Line 1: a newer version/],
      [changed("signalbox", { schema: 99 }), /^Line 1: a newer version/],
      [changed("signalbox", { upstream_id: 7 }), /^Line 1: this is not/],
      [textOf(lines.with(2, { kind: "cron", data: {} })), /^Line 3: its kind "cron" is not known/],
      [textOf(lines.with(2, { kind: "__proto__", data: {} })), /^Line 3: its kind "__proto__"/],
      [textOf(lines).replace("\n", "\n\n"), /^Line 2: is not JSON/],
      [textOf(lines).replace("\n", "\n[]\n"), /^Line 2: is not an object/],
      [
        textOf(lines).replace("\n", '\n{"kind":"hook","data":{},"more":1}\n'),
        /^Line 2: has "more"/,
      ],
      [changed("deploy", { upload_id: "upl_1" }), first("deploy", "upload_id")],
      [changed("deploy", { id: "x" }), first("deploy", "must be an id")],
      [changed("deploy", { number: 0 }), first("deploy", "number")],
      [changed("deploy", { number: 2 ** 53 }), first("deploy", "number")],
      [changed("deploy", { status: "running" }), first("deploy", "ended_at")],
      [changed("deploy", { ended_at: null }), first("deploy", "ended_at")],
      [changed("deploy", { deployment_id: "../x" }), first("deploy", "deployment_id")],
      [
        changed("deploy", {
          deployment: { id: "x", url: "javascript:alert(1)", aliases: [], environment: "" },
        }),
        first("deploy", "deployment.url"),
      ],
      [changed("hook", { source: "sourceforge" }), first("hook", "source is not known")],
      [changed("hook", { secrets: ["x"] }), first("hook", "secrets")],
      [changed("subscriber", { url: "https://localhost/x" }), first("subscriber", "public")],
      [
        changed("subscriber", { url: "https://signalbox.test/x" }),
        first("subscriber", "own address"),
      ],
      [changed("subscriber", { kind: "github" }), first("subscriber", "repository")],
      [changed("schedule", { cron: "every day" }), first("schedule", "cron")],
      [changed("schedule", { at: "2041-01-01T00:00:00Z" }), first("schedule", "either")],
      [changed("policy", { policy: { mode: "some" } }), first("policy", "mode")],
      [
        changed("policy", { policy: { mode: "all", cancel_running: true } }),
        first("policy", "cancel_running"),
      ],
      [changed("event", { type: "deploy.lost" }), first("event", "type")],
      [changed("event", { type: "deploy.stage", data: {} }), first("event", "data.deploy")],
      [textOf(lines.toSpliced(2, 0, lines[1] as Line)), /^Line 3: there are more than 1/],
    ];
    for (const [body, detail] of wrong) {
      await refused(body, "import_invalid", 422, detail);
    }
  });

  it("is one with an id or number twice", async () => {
    await lived(edge);
    const lines = linesIn(await exported(edge));
    await anew(edge);
    for (const kind of [
      "hook",
      "subscriber",
      "schedule",
      "deploy",
      "trigger",
      "event",
      "mark",
      "run",
      "external",
    ]) {
      const n = lines.findIndex((line) => line.kind === kind);
      const twice = lines
        .toSpliced(n, 0, lines[n] as Line)
        .with(lines.length, { kind: "end", data: { lines: lines.length - 1 } });
      await refused(
        textOf(twice),
        "import_invalid",
        422,
        new RegExp(`^Line \\d+: ${kind}: .*once`),
      );
    }
  });

  it("is too long, in a line or in all, or is none", async () => {
    const long = `{"kind":"signalbox","data":"${"x".repeat(1_100_000)}"}\n`;
    await refused(long, "import_invalid", 422, /^Line 1: is longer than 1 MiB/);
    await refused(new Uint8Array([0x22, 0xff, 0x22, 0x0a]), "import_invalid", 422, /UTF-8/);
    const deep = `{"kind":"signalbox","data":${"[".repeat(200_000)}${"]".repeat(200_000)}}\n`;
    await refused(deep, "import_invalid", 422, /^Line 1: /);
    const huge = await edge.on("POST", "/import", {
      body: "{}",
      headers: { ...NDJSON, "content-type": "text/plain" },
    });
    expectProblem(huge, 415, "unsupported_media_type");
  });

  it("goes into a project that has something", async () => {
    const text = await exported(edge);
    const { world } = edge;
    const lock = await edge.on("POST", "/locks", { json: { reason: "the fair" } });
    await refused(text, "conflict", 409, /has locks already.*register it again/);
    await edge.on("DELETE", `/locks/${lock.body.id}`);
    await world.push();
    await refused(text, "conflict", 409, /has deploys already/);
  });
});

describe("an import that is broken off", () => {
  it("by its sender leaves nothing", async () => {
    const text = await exported(edge);
    await anew(edge);
    const before = await edge.trace();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text.slice(0, -20)));
        controller.error(new Error("gone"));
      },
    });
    const got = await edge.direct(`${edge.base}/import`, body, NDJSON);
    expect(got.code).toBe("upload_incomplete");
    expect(await edge.trace()).toEqual(before);
  });

  it.each(["upload.opened", "upload.chunk", "upload.stored"])(
    "by a crash at %s leaves nothing, and it can be done again",
    async (point) => {
      await lived(edge);
      const text = await exported(edge);
      await anew(edge);
      const before = await edge.world.stub().view();
      edge.world.crashAt(point);
      const got = await imports(edge, text);
      expect(got.status).toBeGreaterThanOrEqual(500);
      expect(edge.world.crashes).toBe(1);
      expect(await edge.world.stub().view()).toEqual(before);
      await edge.world.run(200_000);
      expect((await imports(edge, text)).status).toBe(200);
      const deploys = await edge.world.stub().deploys(ALL);
      expect(deploys.length).toBe(5);
    },
  );
});

describe("2,500 deploys", () => {
  it("are exported page by page and imported", { timeout: 120_000 }, async () => {
    const { world } = edge;
    await world.ended((await world.push({ message: "m".repeat(200) })).deploy?.id ?? "");
    const copies = 2_499;
    await world.inside(({ context }) =>
      context.change(() => {
        const { sql } = context;
        const [row] = sql.all<Record<string, string | number | null>>("SELECT * FROM deploys");
        for (let n = 2; n <= copies + 1; n++) {
          sql.insert("deploys", { ...row, id: newId("dpl"), number: n, deployment_id: `d-${n}` });
        }
        sql.run("UPDATE project SET next_number = ?", copies + 2);
      }),
    );
    const pages: number[] = [];
    let place: Awaited<ReturnType<ReturnType<typeof world.stub>["exportPage"]>> | null = null;
    do {
      place = await world.stub().exportPage(place?.next ?? null, "all");
      pages.push(place?.text.length ?? 0);
    } while (place?.next != null);
    expect(pages.length).toBeGreaterThanOrEqual(13);
    expect(Math.max(...pages)).toBeLessThan(1_000_000);

    const text = await exported(edge);
    expect(of(linesIn(text), "deploy").length).toBe(2_500);
    await anew(edge);
    const got = await imports(edge, text);
    expect(got.body.imported.deploy).toBe(2_500);
    const made = await edge.on("POST", "/deploys", { json: { branch: "main" } });
    expect(made.body.deploy.number).toBe(2_501);
  });
});
