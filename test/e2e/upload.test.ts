import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../scripts/demo/wait.ts";
import type { Accepted, Deploy } from "../../src/project/shapes.ts";
import { rowsOf, setColumn } from "./support/objects.ts";
import { BOUNDARY, partHead, RawRequest, rawUpload, sendHalf } from "./support/raw.ts";
import type { RawOutcome } from "./support/raw.ts";
import { World } from "./support/world.ts";

const MIB = 1_048_576;
const deploys = "/v1/projects/site/deploys";

let world: World;

beforeAll(async () => {
  world = await World.start();
  await world.pages.speed({ upload: 50 });
});
afterAll(async () => {
  await world.stop();
});

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function uploadRows(): number {
  return rowsOf(world.dir, "site", "SELECT 1 FROM uploads WHERE state <> 'sealed'").length;
}

async function nothingKept(): Promise<void> {
  await until("the rows of the upload to go", () => uploadRows() === 0);
  const orphans = "SELECT 1 FROM upload_chunks WHERE upload_id NOT IN (SELECT id FROM uploads)";
  expect(rowsOf(world.dir, "site", orphans)).toEqual([]);
}

/** Sends a form as it is, and waits until it is deployed. */
async function deployForm(form: FormData): Promise<{ deployment: string; body: Buffer }> {
  const request = new Request("http://any/", { method: "POST", body: form });
  const body = Buffer.from(await request.arrayBuffer());
  const reply = await fetch(`${world.signalbox.url}${deploys}?wait=30`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${world.stack.info.token}`,
      "content-type": request.headers.get("content-type") ?? "",
    },
    body,
  });
  const { deploy } = (await reply.json()) as Accepted;
  expect(deploy).toMatchObject({ kind: "upload", status: "succeeded", attempts: 1 });
  return { deployment: deploy?.deployment?.id ?? "", body };
}

describe("a direct upload", () => {
  test("with a bundle of 25 MiB and every field arrives byte for byte", async () => {
    const { manifest } = await world.pages.putAssets("site", { "/index.html": "<h1>Hi</h1>" });
    const bundle = randomBytes(25 * MIB);
    const texts: Record<string, string> = {
      branch: "main",
      commit_dirty: "true",
      commit_hash: "5ac2d11f0e5c7a1f3d5b9e8c7a6f5e4d3c2b1a09",
      commit_message: "Größe, 日本語 and a\r\nsecond line",
      manifest: JSON.stringify(manifest),
      pages_build_output_dir: "dist",
      wrangler_config_hash: "c0ffee",
      a_field_that_is_new: "forwarded untouched",
    };
    const files: Record<string, string | Buffer> = {
      _headers: "/*\n  X-Frame-Options: DENY\n",
      _redirects: "/old /new 301\n",
      "_routes.json": '{"version":1,"include":["/*"],"exclude":[]}',
      "functions-filepath-routing-config.json": '{"routes":[]}',
      "_worker.bundle": bundle,
    };
    const form = new FormData();
    for (const [name, value] of Object.entries(texts)) {
      form.set(name, value);
    }
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? content : new Uint8Array(content);
      form.set(name, new Blob([bytes]), name);
    }
    const { deployment, body } = await deployForm(form);

    const stored = await world.pages.form(deployment);
    expect(stored.body_sha256).toBe(sha256(body));
    const sent = [
      ...Object.entries(texts).map(([name, text]) => [name, null, sha256(text)]),
      ...Object.entries(files).map(([name, content]) => [name, name, sha256(content)]),
    ];
    expect(stored.parts.map(({ name, filename, sha256: hash }) => [name, filename, hash])).toEqual(
      sent,
    );
    const creates = (await world.pages.journal()).requests.filter(
      ({ method, path }) => method === "POST" && path.endsWith("/deployments"),
    );
    expect(creates.map(({ body_sha256: hash }) => hash)).toEqual([sha256(body)]);
  });

  test("with a script in place of a bundle is served", async () => {
    const form = await world.siteForm("site", { "/index.html": "<h1>With a script</h1>" });
    form.set("_worker.js", new Blob(["export default {}"]), "_worker.js");
    const { deployment } = await deployForm(form);
    const { parts } = await world.pages.form(deployment);
    expect(parts.map(({ name }) => name)).toContain("_worker.js");
    expect((await world.pages.page("site.pages.dev")).text).toBe("<h1>With a script</h1>");
  });

  test("whose sender goes away half-way leaves nothing", async () => {
    const before = await world.signalbox.deploys("site");
    const upload = rawUpload(world.stack.info, "site");
    await sendHalf(upload);
    await until("its beginning to be stored", () => uploadRows() === 1);
    upload.abort();
    expect(await upload.outcome).toBe("cut off");
    await nothingKept();
    expect(await world.signalbox.deploys("site")).toEqual(before);
  });

  test("that ends before its closing boundary leaves nothing", async () => {
    const upload = rawUpload(world.stack.info, "site");
    await sendHalf(upload);
    upload.end();
    expect(await upload.outcome).toMatchObject({
      status: 400,
      json: { code: "multipart_truncated" },
    });
    await nothingKept();
  });

  test("is one of at most four under way", async () => {
    const four = [1, 2, 3, 4].map(() => rawUpload(world.stack.info, "site"));
    onTestFinished(() => four.forEach((upload) => upload.abort()));
    await Promise.all(four.map(sendHalf));
    await until("four to be under way", () => uploadRows() === 4);
    const fifth = rawUpload(world.stack.info, "site");
    await sendHalf(fifth);
    fifth.end();
    expect(await fifth.outcome).toMatchObject({ status: 429, json: { code: "too_many_uploads" } });
    four.forEach((upload) => upload.abort());
    await nothingKept();
  });
});

describe("a body that is too large is refused with 413", () => {
  const json = (): RawRequest =>
    rawUpload(world.stack.info, "site", { "content-type": "application/json" });

  /** Declares so many bytes, and sends the first of them only. */
  async function declare(bytes: number, url: string, type: string): Promise<RawOutcome> {
    const request = new RawRequest(url, {
      authorization: `Bearer ${world.stack.info.token}`,
      "content-type": type,
      "content-length": bytes,
    });
    await request.write("{");
    return request.outcome.finally(() => request.abort());
  }

  test("when it says so of itself, before it is sent", async () => {
    const url = world.signalbox.url + deploys;
    const form = `multipart/form-data; boundary=${BOUNDARY}`;
    expect(await declare(100 * MIB + 1, url, form)).toMatchObject({ status: 413 });
    expect(await declare(65_537, url, "application/json")).toMatchObject({ status: 413 });
    const { hook } = await world.gitProject("large");
    expect(await declare(5 * MIB + 1, hook.url, "application/json")).toMatchObject({ status: 413 });
  });

  test("when it is a form that never says how long it is", async () => {
    const upload = rawUpload(world.stack.info, "site");
    const chunk = Buffer.alloc(MIB);
    for (let part = 0; part < 5; part++) {
      await upload.write(partHead(`file_${part}`, "file"));
      for (let n = 0; n < 21; n++) {
        await upload.write(chunk);
      }
      await upload.write("\r\n");
    }
    upload.end();
    expect(await upload.outcome).toMatchObject({ status: 413, json: { code: "form_too_large" } });
    await nothingKept();
  });

  test("when one of its parts is", async () => {
    const upload = rawUpload(world.stack.info, "site");
    await upload.write(partHead("_worker.bundle", "_worker.bundle"));
    await upload.write(Buffer.alloc(25 * MIB));
    await upload.write("!");
    await upload.write(`\r\n--${BOUNDARY}--\r\n`);
    upload.end();
    expect(await upload.outcome).toMatchObject({ status: 413, json: { code: "part_too_large" } });
    await nothingKept();
  });

  test("when it is JSON, or a delivery to a hook", async () => {
    const request = json();
    await request.write(`{"commit_message": "${"x".repeat(70_000)}"}`);
    request.end();
    expect(await request.outcome).toMatchObject({ status: 413, json: { code: "body_too_large" } });

    const { hook } = await world.gitProject("larger");
    const delivery = new RawRequest(hook.url, { "content-type": "application/json" });
    for (let n = 0; n < 5; n++) {
      await delivery.write(Buffer.alloc(MIB, " "));
    }
    await delivery.write("{");
    delivery.end();
    expect(await delivery.outcome).toMatchObject({ status: 413, json: { code: "body_too_large" } });
  });
});

describe("an upload that is held", () => {
  const held = async (project: string, branch: string, text: string): Promise<string> => {
    const form = await world.siteForm(project, { "/index.html": text });
    form.set("branch", branch);
    const path = `/v1/projects/${project}/deploys`;
    const { deploy } = await world.signalbox.ask<Accepted>("POST", path, form);
    return deploy?.id ?? "";
  };
  const ended = async (project: string, id: string): Promise<Deploy> =>
    until(`the end of ${id}`, async () => {
      const deploy = await world.signalbox.deploy(project, id);
      return deploy.ended_at === null ? null : deploy;
    });

  test("as a preview is published by promoting it, when no lock is in the way", async () => {
    const base = "/v1/projects/site";
    const live = await ended("site", await held("site", "main", "<h1>Old</h1>"));
    expect(live.status).toBe("succeeded");
    const preview = await ended("site", await held("site", "beta", "<h1>Beta</h1>"));
    const page = async (): Promise<string> => (await world.pages.page("site.pages.dev")).text;
    expect(await page()).toBe("<h1>Old</h1>");
    const lock = await world.signalbox.ask<{ id: string }>("POST", `${base}/locks`, {
      reason: "the fair",
      environment: "production",
    });
    const { deploy } = await world.signalbox.ask<Accepted>(
      "POST",
      `${base}/deploys/${preview.id}/promote`,
    );
    expect(deploy).toMatchObject({
      kind: "promote",
      waiting: { for: "lock" },
      promoted_from: preview.id,
    });
    expect(await page()).toBe("<h1>Old</h1>");
    await world.signalbox.send("DELETE", `${base}/locks/${lock.id}`);
    expect((await ended("site", deploy?.id ?? "")).status).toBe("succeeded");
    expect(await page()).toBe("<h1>Beta</h1>");
  });

  test("longer than Cloudflare keeps its files ends with that reason", async () => {
    const base = "/v1/projects/aged";
    await world.pages.addProject({ name: "aged" });
    await world.signalbox.ask("PUT", base, {});
    const lock = await world.signalbox.ask<{ id: string }>("POST", `${base}/locks`, {
      reason: "the fair",
    });
    const id = await held("aged", "main", "<h1>Aged</h1>");
    await world.stack.kill();
    setColumn(world.dir, "aged", {
      table: "uploads",
      column: "sealed_at",
      value: Date.now() - 2 * 3_600_000,
    });
    await world.stack.restart();
    await world.pages.fault({ call: "check-missing", kind: "expired_assets" });
    await world.signalbox.send("DELETE", `${base}/locks/${lock.id}`);
    expect(await ended("aged", id)).toMatchObject({
      status: "failed",
      reason_code: "assets_expired",
      reason: "Cloudflare no longer has 1 of its files; upload them again.",
      deployment: null,
    });
  });
});
