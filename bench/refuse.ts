import { randomUUID } from "node:crypto";
import { objectFiles } from "../test/e2e/support/objects.ts";
import { compare } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { load } from "./lib/load.ts";
import type { Load, Message } from "./lib/load.ts";
import { githubHook, pushesInTurn } from "./lib/pushes.ts";
import type { Hook } from "./lib/pushes.ts";
import { startMinimal, startSignalbox } from "./lib/sides.ts";

const CONNECTIONS = 16;
const TIMES = { warmUpMs: 1_000, ms: 3_000 };
/** Nobody has registered it: a call of its object would leave a file behind. */
const STRANGER = "stranger";
const FORGERIES = ["tag", "token", "signature"] as const;
type Forgery = (typeof FORGERIES)[number];
type Loads = Record<Forgery, Load>;

/** How many forgeries are refused in a second, beside the least that checks a signature. */
export async function refuse(repeats: number, say: (line: string) => void): Promise<Figure[]> {
  const signalbox: Loads[] = [];
  const minimal: Load[] = [];
  for (let n = 1; n <= repeats; n++) {
    say(`refuse: ${n} of ${repeats}`);
    minimal.push(await atMinimal());
    signalbox.push(await atSignalbox());
  }
  const name = "HMAC alone";
  return FORGERIES.flatMap((forgery) => {
    const ours = signalbox.map((loads) => loads[forgery]);
    return [
      compare(
        `pushes with a forged ${forgery} refused`,
        "/s",
        ours.map(({ rate }) => rate),
        { name, samples: minimal.map(({ rate }) => rate) },
        { kind: "at least", value: 0.7, firm: false },
      ),
      compare(
        "CPU time of one",
        "ms",
        ours.map(({ cpu }) => cpu),
        { name, samples: minimal.map(({ cpu }) => cpu) },
      ),
    ];
  });
}

async function atMinimal(): Promise<Load> {
  await using side = await startMinimal("verify.js", { SECRET: randomUUID() });
  return await refusals(side, side.url, 401, await pushesInTurn(randomUUID()));
}

async function atSignalbox(): Promise<Loads> {
  let hook: Hook = { url: "", secret: "" };
  let held = { token: "" };
  let dir = "";
  await using side = await startSignalbox(
    async ({ signalbox }) => {
      hook = await githubHook(signalbox, "blog");
      held = await signalbox.ask("POST", "/v1/projects/blog/tokens", {
        scopes: ["deploy"],
      });
    },
    (path) => {
      dir = path;
    },
  );
  const forged = await pushesInTurn(randomUUID());
  const before = objectFiles(dir, "Project");
  const tag = await refusals(
    side,
    withoutTag(hook.url.replace("/blog/", `/${STRANGER}/`)),
    404,
    forged,
  );
  const authorization = `Bearer ${withoutTag(held.token)}`;
  const token = await refusals(side, `${side.url}/v1/projects/${STRANGER}/deploys`, 401, () => {
    const { headers, body } = forged();
    return { headers: { ...headers, authorization }, body };
  });
  const after = objectFiles(dir, "Project");
  if (after.join() !== before.join()) {
    throw new Error("A forged tag or token reached the object of a project.");
  }
  return { tag, token, signature: await refusals(side, hook.url, 401, forged) };
}

async function refusals(
  { pid }: { readonly pid: number },
  url: string,
  status: number,
  next: () => Message,
): Promise<Load> {
  return await load({ urls: [url], pid, connections: CONNECTIONS, ...TIMES, status, next });
}

/** As well formed as before, but signed by nobody. */
function withoutTag(signed: string): string {
  return signed.replace(/[^.]+$/, (tag) => "A".repeat(tag.length));
}
