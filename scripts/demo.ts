import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { burstPart } from "./demo/burst.ts";
import { Checks, NotHeld } from "./demo/checks.ts";
import type { Demo } from "./demo/demo.ts";
import { killPart } from "./demo/kill.ts";
import { Pages } from "./demo/pages.ts";
import { Paper } from "./demo/paper.ts";
import { pushPart } from "./demo/push.ts";
import { Receiver } from "./demo/receiver.ts";
import { Signalbox } from "./demo/signalbox.ts";
import { sitePart } from "./demo/site.ts";
import { summary } from "./demo/summary.ts";
import { until } from "./demo/wait.ts";
import { startStack } from "./lib/stack.ts";
import type { Stack } from "./lib/stack.ts";

/**
 * The main job on this machine, for real: a Signalbox, the sandbox it deploys to, and a receiver that is told. Everything
 * printed as true was checked; where something does not hold, this ends with exit code 1 and says what.
 */

const LIMIT_MS = 120_000;
const LOG_TAIL = 2000;
/** From here on, looks at a deployment are not put off. */
const ENOUGH_CALLS = 12;

const paper = new Paper();
const dir = await mkdtemp(join(tmpdir(), "signalbox-demo-"));
let stack: Stack | null = null;
let receiver: Receiver | null = null;
let leaving = false;

process.on("SIGINT", () => void leave(130));
process.on("SIGTERM", () => void leave(143));
setTimeout(() => void fail(new Error(`Not done after ${LIMIT_MS / 1000} s.`)), LIMIT_MS).unref();

try {
  await run();
  await leave(0);
} catch (error) {
  await fail(error);
}

async function run(): Promise<void> {
  const began = Date.now();
  paper.title("Signalbox: the main job, on this machine");
  paper.note("What has a tick was checked, against both sides where there are two.\n");
  stack = await startStack({
    dir,
    say: (line) => paper.now(line),
    onDeath: (part, { code, signal }) =>
      void fail(new NotHeld(`The ${part} process ended by itself: ${signal ?? `code ${code}`}.`)),
  });
  receiver = await Receiver.start();
  paper.now(null);
  const { info } = stack;
  paper.line(`Signalbox  ${info.url}  process ${stack.worker.pid}`);
  paper.line(`Sandbox    ${info.sandbox_url}  a Pages API that keeps a journal`);
  paper.line(`Receiver   ${receiver.url.replace(/\/$/, "")}  checks what it is told`);

  const demo: Demo = {
    paper,
    checks: new Checks(paper),
    stack,
    signalbox: new Signalbox(info.url, info.token),
    pages: new Pages(info),
    receiver,
    project: "hello-world",
  };
  paper.now("The budget of calls to Cloudflare starts empty, and fills");
  await until("the budget to fill", async () => {
    const { level } = await demo.signalbox.ask<{ level: number }>("GET", "/v1/budget");
    return level >= ENOUGH_CALLS;
  });
  paper.now(null);
  const hook = await pushPart(demo);
  await burstPart(demo, hook);
  await killPart(demo, hook);
  await sitePart(demo);
  await summary(demo, Date.now() - began);
}

/** Says what went wrong, with the end of both logs, and leaves. */
async function fail(error: unknown): Promise<void> {
  if (leaving) {
    return;
  }
  paper.now(null);
  const text = error instanceof NotHeld ? error.message : String((error as Error)?.stack ?? error);
  console.error(`\n${text}`);
  for (const log of ["signalbox/workerd.log", "sandbox/sandbox.log"]) {
    const tail = (await readFile(join(dir, log), "utf8").catch(() => "")).slice(-LOG_TAIL).trim();
    console.error(`\nThe end of ${log}:\n${tail === "" ? "(empty)" : tail}`);
  }
  await leave(1);
}

/** Stops everything that was started and removes its state. What is still starting goes down with this process. */
async function leave(code: number): Promise<void> {
  if (leaving) {
    return;
  }
  leaving = true;
  paper.now(null);
  receiver?.close();
  await stack?.stop().catch((error: unknown) => console.error(error));
  await rm(dir, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  process.exit(code);
}
