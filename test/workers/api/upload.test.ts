import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { siteForm } from "../support/form.ts";
import { Edge, expectProblem, leave, type Got } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create({ source: "direct_upload" });
});
afterEach(leave);

const BOUNDARY = "----a-boundary";
const FORM_TYPE = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
const HASH = "17453d0cfb9bacc76d9f30d3cb9ca048";
const MANIFEST: [string, string] = ["manifest", JSON.stringify({ "/index.html": HASH })];

/** A form as text; a part whose name has a slash is a file: `name/filename`. */
function form(...parts: [string, string][]): string {
  const written = parts.map(([name, content]) => {
    const [field = "", filename] = name.split("/");
    const file = filename === undefined ? "" : `; filename="${filename}"`;
    return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"${file}\r\n\r\n${content}\r\n`;
  });
  return `${written.join("")}--${BOUNDARY}--\r\n`;
}

function post(body: BodyInit, headers: Record<string, string> = {}): Promise<Got> {
  return edge.on("POST", "/deploys", { body, headers: { ...FORM_TYPE, ...headers } });
}

async function uploads(): Promise<unknown[]> {
  return edge.world.inside((_, state) =>
    state.storage.sql
      .exec(
        "SELECT u.id, u.state, (SELECT COUNT(*) FROM upload_chunks c WHERE c.upload_id = u.id) AS chunks FROM uploads u",
      )
      .toArray(),
  );
}

async function deploys(): Promise<number> {
  return (await edge.on("GET", "/deploys")).body.items.length as number;
}

describe("a direct upload", () => {
  it("is stored whole, answered with its deploy, and goes live", async () => {
    const request = await siteForm(edge.world, { branch: "main", message: "hello" });
    const got = await edge.on("POST", "/deploys", {
      body: await request.bytes(),
      headers: { "content-type": request.headers.get("content-type") ?? "" },
    });
    expect(got.status).toBe(202);
    expect(got.body).toMatchObject({
      outcome: "queued",
      deploy: {
        number: 1,
        kind: "upload",
        branch: "main",
        environment: "production",
        commit_message: "hello",
        commit_dirty: false,
      },
    });
    expect(await uploads()).toMatchObject([{ state: "sealed", chunks: 1 }]);
    const deploy = await edge.world.ended(got.body.deploy.id);
    expect(deploy.status).toBe("succeeded");
    expect(edge.world.live()).toBe(deploy.deployment?.id);
  });

  it("goes to the production branch when it names none", async () => {
    const got = await post(form(MANIFEST));
    expect(got.body.deploy).toMatchObject({ branch: "main", environment: "production" });
  });

  it("of the same content joins the one that waits, and its body goes", async () => {
    const first = await post(form(MANIFEST, ["branch", "dev"]));
    const again = await post(form(MANIFEST, ["branch", "dev"]));
    expect(again.body).toMatchObject({
      outcome: "coalesced",
      deploy: { id: first.body.deploy.id },
    });
    expect(await uploads()).toHaveLength(1);
  });

  it("under a known Idempotency-Key is the first one again, and its body goes", async () => {
    const key = { "idempotency-key": "k" };
    const first = await post(form(MANIFEST), key);
    await edge.on("POST", `/deploys/${first.body.deploy.id}/cancel`);
    const again = await post(form(MANIFEST), key);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(again.body.deploy.id).toBe(first.body.deploy.id);
    expectProblem(await post(form(MANIFEST, ["branch", "dev"]), key), 422, "idempotency_mismatch");
    expect(await deploys()).toBe(1);
    expect(await uploads()).toHaveLength(1);
  });

  it("keeps a field that nobody has heard of", async () => {
    const body = form(MANIFEST, ["a_new_field", "value"]);
    const { body: answer } = await post(body);
    expect(answer.outcome).toBe("queued");
    const stored = await edge.world.inside((_, state) =>
      state.storage.sql.exec<{ data: ArrayBuffer }>("SELECT data FROM upload_chunks").one(),
    );
    expect(new TextDecoder().decode(stored.data)).toBe(body);
  });
});

describe("a form without a manifest", () => {
  beforeEach(async () => {
    edge = await Edge.create({ source: "git" });
  });

  it("that is empty, as the SDK sends it, has the production branch built", async () => {
    const got = await post(form());
    expect(got.status).toBe(202);
    expect(got.body.deploy).toMatchObject({ kind: "build", branch: "main" });
    expect(await uploads()).toEqual([]);
  });

  it("with nothing but text has that branch built", async () => {
    const got = await post(
      form(["branch", "dev"], ["commit_message", "hi"], ["commit_dirty", "true"]),
    );
    expect(got.body.deploy).toMatchObject({
      kind: "build",
      branch: "dev",
      commit_message: "hi",
      commit_dirty: true,
    });
    expect(await uploads()).toEqual([]);
  });

  it.each([
    ["a file", ["_headers/_headers", "/*"]],
    ["a field nobody has heard of", ["a_new_field", "value"]],
  ] as [string, [string, string]][])("but with %s is refused", async (_, part) => {
    expectProblem(await post(form(part)), 400, "manifest_missing");
    expect(await uploads()).toEqual([]);
    expect(await deploys()).toBe(0);
  });

  it("is refused for a direct-upload project", async () => {
    edge = await Edge.create({ source: "direct_upload" });
    expectProblem(await post(form()), 409, "not_git_connected");
    expect(await uploads()).toEqual([]);
  });
});

describe("a form that breaks a rule", () => {
  const LARGE = "x".repeat(26 * 1_048_576);
  const bad: [string, BodyInit, Record<string, string>, number, string][] = [
    [
      "another multipart type",
      form(MANIFEST),
      { "content-type": `multipart/mixed; boundary=${BOUNDARY}` },
      415,
      "content_type_unsupported",
    ],
    [
      "no boundary",
      form(MANIFEST),
      { "content-type": "multipart/form-data" },
      400,
      "boundary_invalid",
    ],
    [
      "another boundary",
      form(MANIFEST),
      { "content-type": "multipart/form-data; boundary=x" },
      400,
      "multipart_malformed",
    ],
    ["no end", form(MANIFEST).slice(0, -6), {}, 400, "multipart_truncated"],
    ["no body", "", {}, 400, "multipart_truncated"],
    [
      "both kinds of worker",
      form(MANIFEST, ["_worker.js/_worker.js", "a"], ["_worker.bundle/_worker.bundle", "b"]),
      {},
      422,
      "worker_conflict",
    ],
    ["the manifest twice", form(MANIFEST, MANIFEST), {}, 422, "field_repeated"],
    ["a manifest that is no JSON", form(["manifest", "{"]), {}, 422, "json_invalid"],
    ["a manifest of something else", form(["manifest", '{"/a": 1}']), {}, 422, "manifest_invalid"],
    [
      "too many entries",
      form([
        "manifest",
        JSON.stringify(
          Object.fromEntries(Array.from({ length: 20_001 }, (_, n) => [`/${n}`, HASH])),
        ),
      ]),
      {},
      422,
      "manifest_too_many_entries",
    ],
    [
      "routes that are no JSON",
      form(MANIFEST, ["_routes.json/_routes.json", "nope"]),
      {},
      422,
      "json_invalid",
    ],
    ["a branch that can't be", form(MANIFEST, ["branch", "a..b"]), {}, 422, "branch_invalid"],
    [
      "a field that is too long",
      form(MANIFEST, ["commit_hash", "a".repeat(129)]),
      {},
      422,
      "field_too_long",
    ],
    [
      "a dirty flag that is neither",
      form(MANIFEST, ["commit_dirty", "maybe"]),
      {},
      422,
      "field_invalid",
    ],
    [
      "a bundle over 25 MiB",
      form(MANIFEST, ["_worker.bundle/_worker.bundle", LARGE]),
      {},
      413,
      "part_too_large",
    ],
  ];

  it.each(bad)("%s is refused and leaves nothing", async (_, body, headers, status, code) => {
    const upstream = edge.world.sandbox.journal().requests.length;
    expectProblem(await post(body, headers), status, code);
    expect(await uploads()).toEqual([]);
    expect(await deploys()).toBe(0);
    expect(edge.world.sandbox.journal().requests).toHaveLength(upstream);
  });

  it("in pieces that say nothing of their size is refused, and not read beyond the limit of a form", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="_worker.bundle"; filename="b"\r\n\r\n`;
        controller.enqueue(new TextEncoder().encode(head));
      },
      pull(controller) {
        sent += 1_048_576;
        controller.enqueue(new Uint8Array(1_048_576));
        if (sent >= 128 * 1_048_576) {
          controller.close();
        }
      },
    });
    expect(await edge.direct(`${edge.base}/deploys`, body, FORM_TYPE)).toMatchObject({
      status: 413,
      code: "part_too_large",
    });
    expect(sent).toBeLessThanOrEqual(102 * 1_048_576);
    expect(await uploads()).toEqual([]);
  });

  it("that says it is larger than 100 MiB is refused before a byte is read", async () => {
    const before = await edge.trace();
    let pulled = 0;
    const stream = new ReadableStream<Uint8Array>(
      { pull: () => void (pulled += 1) },
      { highWaterMark: 0 },
    );
    const got = await edge.direct(`${edge.base}/deploys`, stream, {
      ...FORM_TYPE,
      "content-length": String(100 * 1_048_576 + 1),
    });
    expect(got).toMatchObject({ status: 413, code: "body_too_large" });
    expect(pulled).toBe(0);
    expect(await edge.trace()).toEqual(before);
  });

  it("whose sender is gone half-way leaves nothing", async () => {
    const head = new TextEncoder().encode(form(MANIFEST).slice(0, 60));
    let sent = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) {
          controller.error(new Error("gone"));
        } else {
          sent = true;
          controller.enqueue(head);
        }
      },
    });
    expect(await edge.direct(`${edge.base}/deploys`, body, FORM_TYPE)).toMatchObject({
      status: 400,
      code: "upload_interrupted",
    });
    expect(await uploads()).toEqual([]);
    expect(await deploys()).toBe(0);
  });
});

describe("more uploads than a project takes", () => {
  it("are refused while others are under way, and leave nothing", async () => {
    await edge.world.inside((_, state) => {
      for (let n = 0; n < 4; n++) {
        state.storage.sql.exec(
          "INSERT INTO uploads (id, number, state, content_type, due_at) VALUES (?, ?, 'open', 'x', ?)",
          `upl_${n}`,
          900 + n,
          Date.now() + 120_000,
        );
      }
    });
    const got = await post(form(MANIFEST));
    expectProblem(got, 429, "too_many_uploads");
    expect(got.headers.get("retry-after")).toBe("30");
    expect(await uploads()).toHaveLength(4);
  });
});
