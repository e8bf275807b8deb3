import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { access, mkdtempDisposable, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/lib/repo.ts";
import { startStack } from "../../scripts/lib/stack.ts";
import type { Stack, StackFile } from "../../scripts/lib/stack.ts";

type Directory = Awaited<ReturnType<typeof mkdtempDisposable>>;
const temporary = (): Promise<Directory> => mkdtempDisposable(join(tmpdir(), "signalbox-stack-"));

async function call(info: StackFile, path: string, body?: unknown): Promise<Response> {
  return fetch(info.url + path, {
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${info.token}`, "content-type": "application/json" },
    signal: AbortSignal.timeout(10_000),
  });
}

async function names(info: StackFile): Promise<string[]> {
  const { items } = (await (await call(info, "/v1/projects")).json()) as {
    items: { name: string }[];
  };
  return items.map(({ name }) => name).sort();
}

function answers(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
}

describe("a stack", () => {
  let dir: Directory;
  let stack: Stack;

  beforeAll(async () => {
    dir = await temporary();
    stack = await startStack({ dir: dir.path });
  });
  afterAll(async () => {
    await stack.stop();
    await dir.remove();
  });

  test("says in stack.json where it is, to its owner alone", async () => {
    const path = join(dir.path, "stack.json");
    const info = JSON.parse(await readFile(path, "utf8")) as StackFile;
    expect(info).toEqual({
      url: stack.worker.url,
      sandbox_url: stack.sandbox.url,
      account_id: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown,
      token: expect.any(String) as unknown,
      sandbox_token: expect.any(String) as unknown,
      projects: ["site", "blog"],
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir.path, "secrets.json"))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir.path, "signalbox"))).mode & 0o777).toBe(0o700);
  });

  test("takes its two tokens, and has registered its projects", async () => {
    expect(await names(stack.info)).toEqual(["blog", "site"]);
    const { sandbox_url, account_id, sandbox_token } = stack.info;
    const projects = `${sandbox_url}/client/v4/accounts/${account_id}/pages/projects`;
    const upstream = await fetch(projects, {
      headers: { authorization: `Bearer ${sandbox_token}` },
    });
    expect(upstream.status).toBe(200);
  });

  test("fires the cron trigger", async () => {
    expect(await stack.worker.cron()).toBe("ok");
  });

  test("keeps a deploy over SIGKILL of either part", async () => {
    const created = await call(stack.info, "/v1/projects/blog/deploys", { branch: "main" });
    expect(created.status).toBe(202);
    const { deploy } = (await created.json()) as { deploy: { id: string; number: number } };

    const before = stack.worker.pid;
    await stack.kill();
    expect(await answers(stack.info.url)).toBe(false);
    await stack.restart();
    expect(stack.worker.pid).not.toBe(before);
    await stack.restart("sandbox");

    const kept = await call(stack.info, `/v1/projects/blog/deploys/${deploy.id}`);
    expect(await kept.json()).toMatchObject({ id: deploy.id, number: deploy.number });
  });

  test("refuses a second one on its state", async () => {
    await expect(startStack({ dir: dir.path })).rejects.toThrow("already running");
    expect(await answers(stack.info.url)).toBe(true);
  });

  test("stops clean, and goes on from there when started again", async () => {
    const { info, worker, sandbox } = stack;
    await stack.stop();
    expect(worker.running() || sandbox.running()).toBe(false);
    await expect(access(join(dir.path, "stack.json"))).rejects.toThrow("ENOENT");

    stack = await startStack({ dir: dir.path });
    expect(stack.info.token).toBe(info.token);
    const { items } = (await (await call(stack.info, "/v1/projects/blog/deploys")).json()) as {
      items: unknown[];
    };
    expect(items).toHaveLength(1);
  });
});

describe("npm start", () => {
  let dir: Directory;
  let launcher: ChildProcess;
  let lines: AsyncIterator<string>;

  /** The next line that holds `text`. */
  async function printed(text: string): Promise<string> {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) {
        throw new Error(`It ended without printing "${text}".`);
      }
      if (value.includes(text)) {
        return value;
      }
    }
  }

  async function start(): Promise<{ info: StackFile; pid: number }> {
    const args = ["scripts/start.ts", "--port", "0", "--sandbox-port", "0", "--dir", dir.path];
    launcher = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    if (launcher.stdout === null) {
      throw new Error("It has no output to read.");
    }
    lines = createInterface({ input: launcher.stdout })[Symbol.asyncIterator]();
    const pid = Number(/\(process (\d+)\)/.exec(await printed("Signalbox  "))?.[1]);
    await printed("Ctrl-C");
    const text = await readFile(join(dir.path, "stack.json"), "utf8");
    return { info: JSON.parse(text) as StackFile, pid };
  }

  beforeAll(async () => {
    dir = await temporary();
  });
  afterAll(async () => {
    launcher.kill("SIGKILL");
    await dir.remove();
  });

  test("brings a killed part back, and stops everything on SIGTERM", async () => {
    const { info, pid } = await start();
    process.kill(pid, "SIGKILL");
    await printed("Signalbox is back");
    expect(await names(info)).toEqual(["blog", "site"]);

    launcher.kill("SIGTERM");
    expect(await once(launcher, "exit")).toEqual([0, null]);
    expect(await answers(info.url)).toBe(false);
    expect(await answers(info.sandbox_url)).toBe(false);
    await expect(access(join(dir.path, "stack.json"))).rejects.toThrow("ENOENT");
  });

  test("leaves nothing running when it is killed itself, and starts again after that", async () => {
    const { info } = await start();
    launcher.kill("SIGKILL");
    await once(launcher, "exit");
    await expect.poll(() => answers(info.url), { timeout: 5000 }).toBe(false);
    await expect.poll(() => answers(info.sandbox_url), { timeout: 5000 }).toBe(false);

    const again = await start();
    expect(await names(again.info)).toEqual(["blog", "site"]);
    launcher.kill("SIGTERM");
    expect(await once(launcher, "exit")).toEqual([0, null]);
  });
});
