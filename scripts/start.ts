import { join } from "node:path";
import { parseArgs, styleText } from "node:util";
import type { Exit } from "./lib/child.ts";
import { ROOT } from "./lib/repo.ts";
import { startStack } from "./lib/stack.ts";
import type { Part, Stack } from "./lib/stack.ts";

const HELP = `npm start -- [options]

Runs Signalbox and a local Pages API (the sandbox) until Ctrl-C. State is kept between runs.

  --port <n>           Signalbox's port (default 8787; 0 takes any free one)
  --sandbox-port <n>   the sandbox's port (default 8788; 0 takes any free one)
  --dir <path>         where state is kept (default .local); remove it to start over
`;

const DEATHS_ALLOWED = 3;
const DEATHS_WITHIN_MS = 30_000;
const NAMES: Record<Part, string> = { signalbox: "Signalbox", sandbox: "The sandbox" };

try {
  await main();
} catch (error) {
  end(error);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8787" },
      "sandbox-port": { type: "string", default: "8788" },
      dir: { type: "string", default: join(ROOT, ".local") },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }

  let stack: Stack | undefined;
  let stopping = false;
  const stop = (): void => {
    if (stack === undefined) {
      // Still starting: what was started goes down with this process.
      process.exit(1);
    }
    if (!stopping) {
      stopping = true;
      console.log("\nStopping");
      stack.stop().then(() => process.exit(0), end);
    }
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  onLauncherGone(stop);
  const deaths: number[] = [];
  /**
   * A part that dies is started again: its state is on disk, and to see that nothing is lost when it is killed is one
   * of the things this stack is for. One that keeps dying ends the stack.
   */
  const onDeath = (part: Part, { signal, code }: Exit): void => {
    console.log(`${NAMES[part]} ended (${signal ?? `code ${code}`})`);
    deaths.push(Date.now());
    const recent = deaths.filter((at) => at > Date.now() - DEATHS_WITHIN_MS).length;
    if (stack === undefined) {
      return;
    }
    if (recent > DEATHS_ALLOWED) {
      const log = stack[part === "sandbox" ? "sandbox" : "worker"].output().slice(-3000);
      void stack
        .stop()
        .finally(() =>
          end(new Error(`It died ${recent} times in a row. The end of its log:\n${log}`)),
        );
      return;
    }
    stack.restart(part).then(() => console.log(`${NAMES[part]} is back on the same state`), end);
  };

  stack = await startStack({
    dir: values.dir,
    port: readPort("--port", values.port),
    sandboxPort: readPort("--sandbox-port", values["sandbox-port"]),
    say: (line) => console.log(styleText("dim", line)),
    onDeath,
  });
  console.log(welcome(stack));
}

/** npm passes a signal on to the shell between it and us only, and that one just dies: then its death is the signal. */
function onLauncherGone(act: () => void): void {
  if (process.env["npm_lifecycle_event"] !== "start") {
    return;
  }
  const launcher = process.ppid;
  setInterval(() => {
    if (process.ppid !== launcher) {
      act();
    }
  }, 250).unref();
}

function readPort(option: string, text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new Error(`${option} must be a port number from 0 to 65535, not "${text}".`);
  }
  return Number(text);
}

function end(error: unknown): never {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

function welcome({ info, worker, sandbox }: Stack): string {
  const { url, sandbox_url, account_id, token, projects } = info;
  const json = "-H 'content-type: application/json'";
  const tries = [
    ["Deploy a branch", `curl -H "$AUTH" ${json} -d '{"branch":"main"}' $API/blog/deploys`],
    ["What happened", `curl -H "$AUTH" "$API/blog/deploys?limit=5"`],
    ["Every event", `curl -H "$AUTH" "$API/blog/events?after=0"`],
    ["A hook for GitHub", `curl -H "$AUTH" ${json} -d '{"source":"github"}' $API/blog/hooks`],
    [
      "Tell a receiver",
      `curl -H "$AUTH" ${json} -d '{"url":"http://127.0.0.1:9000","events":["*"],"kind":"webhook"}' $API/blog/subscribers`,
    ],
    ["What Cloudflare saw", `curl ${sandbox_url}/__sandbox/journal`],
  ] as const;
  const title = (text: string): string => styleText("bold", text);
  return `
${title("Signalbox")}  ${url} (process ${worker.pid})
${title("Sandbox")}    ${sandbox_url} (process ${sandbox.pid}), account ${account_id}
${title("Projects")}   ${projects.join(", ")}
${title("Token")}      ${token}

${title("Try")} (in another terminal)

  AUTH="authorization: Bearer ${token}"
  API=${url}/v1/projects

${tries.map(([what, command]) => `  ${styleText("dim", `# ${what}`)}\n  ${command}`).join("\n")}

State is kept: kill -9 either process, or stop with Ctrl-C and start again, and nothing is lost.
`;
}
