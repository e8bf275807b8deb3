/** The same sandbox inside the Workers runtime, where in-workerd tests use it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestHarness } from "wrangler";
import { assetHash } from "../../sandbox/assets.ts";
import { formOf } from "./harness.ts";
import type { Deployment, Journal, StoredForm } from "../../sandbox/types.ts";

const root = mkdtempSync(join(tmpdir(), "sandbox-workerd-"));
const server = createTestHarness({
  root,
  workers: [
    {
      config: {
        name: "sandbox",
        main: join(import.meta.dirname, "worker.ts"),
        compatibility_date: "2026-10-01",
      },
    },
  ],
});
beforeAll(async () => {
  // Stay off the network: the runtime would ask Cloudflare where this machine is.
  vi.stubEnv("CLOUDFLARE_CF_FETCH_ENABLED", "false");
  await server.listen();
});
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

const ACCOUNT = "/client/v4/accounts/0123456789abcdef0123456789abcdef/pages/projects";

async function call<Result>(
  method: string,
  path: string,
  body?: BodyInit,
  token = "sandbox-token",
): Promise<Result> {
  // A Request of its own serialises the form: the harness speaks another fetch.
  const request = new Request("http://sandbox", {
    method,
    ...(body === undefined ? {} : { body }),
  });
  const contentType = request.headers.get("content-type");
  const response = await server.fetch(path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(contentType === null ? {} : { "content-type": contentType }),
    },
    ...(body === undefined ? {} : { body: new Uint8Array(await request.arrayBuffer()) }),
  });
  return (await response.json()) as Result;
}

test("builds, uploads, verifies and serves in workerd", async () => {
  const built = await call<{ result: Deployment }>(
    "POST",
    `${ACCOUNT}/blog/deployments`,
    formOf({}),
  );
  const again = await call<{ result: Deployment }>(
    "GET",
    `${ACCOUNT}/blog/deployments/${built.result.id}`,
  );
  expect(again.result.latest_stage).toMatchObject({ name: "deploy", status: "success" });

  const token = await call<{ result: { jwt: string } }>("GET", `${ACCOUNT}/site/upload-token`);
  const value = Buffer.from("<h1>workerd</h1>").toString("base64");
  const key = assetHash(Buffer.from(value), "html");
  const file = { key, value, base64: true, metadata: { contentType: "text/html" } };
  const assets = "/client/v4/pages/assets";
  await call("POST", `${assets}/upload`, JSON.stringify([file]), token.result.jwt);
  const bundle = new Uint8Array(300_000).map((_, index) => (index * 31) % 256);
  const made = await call<{ result: Deployment }>(
    "POST",
    `${ACCOUNT}/site/deployments`,
    formOf({
      manifest: JSON.stringify({ "/index.html": key }),
      "_worker.bundle": new File([bundle], "_worker.bundle"),
    }),
  );
  const form = await call<StoredForm>("GET", `/__sandbox/deployments/${made.result.id}/form`);
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bundle)).toString("hex");
  expect(form.parts[1]).toMatchObject({ filename: "_worker.bundle", sha256: digest });
  const page = await server.fetch("/__sandbox/site/site.pages.dev/");
  expect(await page.text()).toBe("<h1>workerd</h1>");
  const journal = await call<Journal>("GET", "/__sandbox/journal");
  expect(journal.live.map(({ deployment }) => deployment)).toEqual([
    built.result.id,
    made.result.id,
  ]);
});
