import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { assetHash } from "../../sandbox/assets.ts";
import { startSandbox } from "../../sandbox/node.ts";
import { formOf } from "./harness.ts";
import type { Deployment, Fault, Journal } from "../../sandbox/types.ts";

const PROJECTS = "/client/v4/accounts/0123456789abcdef0123456789abcdef/pages/projects";
const AUTHORIZATION = { authorization: "Bearer sandbox-token" };

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) {
    await cleanup();
  }
});

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "sandbox-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The sandbox as its own process; resolves once it answers. */
async function spawned(dir: string) {
  const main = join(import.meta.dirname, "../../sandbox/node.ts");
  const child = spawn(process.execPath, [main, "--port", "0", "--dir", dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const kill = async (signal: NodeJS.Signals): Promise<unknown[]> => {
    child.kill(signal);
    return exited;
  };
  cleanups.push(() => kill("SIGKILL"));
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? "";
  return { url, kill };
}

async function started(...faults: Fault[]) {
  const running = await startSandbox();
  cleanups.push(() => running.close());
  for (const fault of faults) {
    running.sandbox.fault(fault);
  }
  return running;
}

const call = (
  url: string,
  path: string,
  init: Omit<RequestInit, "headers"> = {},
): Promise<Response> => fetch(`${url}${PROJECTS}${path}`, { ...init, headers: AUTHORIZATION });

const result = async <Result = Deployment>(response: Promise<Response>): Promise<Result> =>
  ((await (await response).json()) as { result: Result }).result;

describe("the server's state", () => {
  test("outlives SIGKILL: projects, running deployments, files, faults, journal", async () => {
    const dir = folder();
    const first = await spawned(dir);
    const { jwt } = await result<{ jwt: string }>(call(first.url, "/site/upload-token"));
    const value = Buffer.from("<h1>kept</h1>").toString("base64");
    const hash = assetHash(Buffer.from(value), "html");
    await fetch(`${first.url}/client/v4/pages/assets/upload`, {
      method: "POST",
      headers: { authorization: `Bearer ${jwt}` },
      body: JSON.stringify([
        { key: hash, value, base64: true, metadata: { contentType: "text/html" } },
      ]),
    });
    await fetch(`${first.url}/__sandbox/speed`, { method: "POST", body: '{"upload":0}' });
    const manifest = JSON.stringify({ "/index.html": hash });
    const uploaded = await result(
      call(first.url, "/site/deployments", { method: "POST", body: formOf({ manifest }) }),
    );
    await fetch(`${first.url}/__sandbox/faults`, {
      method: "POST",
      body: JSON.stringify({ call: "get", kind: "unknown_error" }),
    });
    const building = await result(call(first.url, "/blog/deployments", { method: "POST" }));
    const before = (await (await fetch(`${first.url}/__sandbox/journal`)).json()) as Journal;
    await first.kill("SIGKILL");

    const second = await spawned(dir);
    const page = await fetch(`${second.url}/__sandbox/site/site.pages.dev/`);
    expect(await page.text()).toBe("<h1>kept</h1>");
    expect(page.headers.get("x-sandbox-deployment")).toBe(uploaded.id);
    expect((await call(second.url, `/blog/deployments/${building.id}`)).status).toBe(500);
    const again = await result(call(second.url, `/blog/deployments/${building.id}`));
    expect(again.created_on).toBe(building.created_on);
    const after = (await (await fetch(`${second.url}/__sandbox/journal`)).json()) as Journal;
    expect(after.requests.slice(0, before.requests.length)).toEqual(before.requests);
    expect(after.requests).toHaveLength(before.requests.length + 2);
    const form = await fetch(`${second.url}/__sandbox/deployments/${uploaded.id}/form`);
    expect(await form.json()).toMatchObject({ parts: [{ name: "manifest", text: manifest }] });
  });

  test("is closed properly at SIGTERM, and a deleted default project stays deleted", async () => {
    const dir = folder();
    const first = await spawned(dir);
    await call(first.url, "/site", { method: "DELETE" });
    expect(await first.kill("SIGTERM")).toEqual([0, null]);
    const second = await spawned(dir);
    expect((await call(second.url, "/site")).status).toBe(404);
    expect((await call(second.url, "/blog")).status).toBe(200);
  });
});

describe("on the wire", () => {
  test("a dropped connection is a network error, and the server lives on", async () => {
    const { url, sandbox } = await started(
      { call: "create", kind: "dropped" },
      { call: "create", kind: "lost" },
    );
    const create = (): Promise<Response> => call(url, "/blog/deployments", { method: "POST" });
    await expect(create()).rejects.toThrow("fetch failed");
    await expect(create()).rejects.toThrow("fetch failed");
    expect(await result<Deployment[]>(call(url, "/blog/deployments"))).toHaveLength(1);
    expect(sandbox.journal().requests.map(({ status }) => status)).toEqual([0, 200, 200]);
  });

  test("a hanging call holds its connection until the client leaves", async () => {
    const { url } = await started({ call: "get", kind: "hang" });
    const gaveUp = new AbortController();
    const hanging = call(url, "/blog/deployments/x", { signal: gaveUp.signal });
    expect((await call(url, "/blog")).status).toBe(200);
    gaveUp.abort();
    await expect(hanging).rejects.toMatchObject({ name: "AbortError" });
  });

  test("close ends calls that hang", async () => {
    const running = await startSandbox();
    running.sandbox.fault({ call: "get", kind: "hang" });
    const hanging = call(running.url, "/blog/deployments/x");
    hanging.catch(() => {});
    while (running.sandbox.journal().requests.length === 0) {
      await call(running.url, "/blog");
    }
    await running.close();
    await expect(hanging).rejects.toThrow("fetch failed");
  });

  test("a body that stops half-way makes nothing", async () => {
    const { url, sandbox } = await started();
    const sending = request(`${url}${PROJECTS}/blog/deployments`, {
      method: "POST",
      headers: { ...AUTHORIZATION, "content-length": 1000 },
    });
    sending.on("error", () => {});
    const gone = new Promise((resolve) => sending.once("close", resolve));
    await new Promise<void>((resolve) => {
      sending.write("half", () => resolve());
    });
    sending.destroy();
    await gone;
    expect(await result<Deployment[]>(call(url, "/blog/deployments"))).toEqual([]);
    expect(sandbox.journal().live).toEqual([]);
  });

  test("25 MiB of _worker.bundle arrive byte for byte", async () => {
    const { url, sandbox } = await started();
    const bundle = new Uint8Array(25 * 1024 * 1024).map((_, index) => (index * 7919) >> 8);
    const form = { manifest: "{}", "_worker.bundle": new File([bundle], "_worker.bundle") };
    const made = await result(
      call(url, "/site/deployments", { method: "POST", body: formOf(form) }),
    );
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bundle)).toString("hex");
    expect(sandbox.form(made.id)?.parts[1]).toMatchObject({ size: bundle.length, sha256: digest });
    const larger = { manifest: "{}", "_worker.bundle": new File([bundle, "x"], "_worker.bundle") };
    const refused = await call(url, "/site/deployments", { method: "POST", body: formOf(larger) });
    expect(refused.status).toBe(413);
  });

  test("a site's own name works in the Host header, with .localhost", async () => {
    const { url, port, sandbox } = await started();
    sandbox.speed({ factor: 0 });
    await call(url, "/blog/deployments", { method: "POST" });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ host: "127.0.0.1", port, headers: { host: `blog.pages.dev.localhost:${port}` } })
        .on("response", (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
    expect(await (await fetch(url)).text()).toContain("/__sandbox");
  });
});
