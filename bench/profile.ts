import { randomUUID } from "node:crypto";
import { load } from "./lib/load.ts";
import { profiled } from "./lib/profile.ts";
import type { Place } from "./lib/profile.ts";
import { githubHook, pushesInTurn } from "./lib/pushes.ts";
import type { Hook } from "./lib/pushes.ts";
import { startSignalbox } from "./lib/sides.ts";

const CONNECTIONS = 16;
const WARM_UP = { warmUpMs: 0, ms: 2_000 };
const TIMES = { warmUpMs: 0, ms: 5_000 };
const SHOWN = 30;
const NAME_CHARACTERS = 100;

/** Where pushes that are taken, and those whose signature is forged, spend the processor's time. */
export async function profile(say: (line: string) => void): Promise<string> {
  let hook: Hook = { url: "", secret: "" };
  await using side = await startSignalbox(
    async ({ signalbox }) => {
      hook = await githubHook(signalbox, "blog");
    },
    () => {},
    { inspector: true },
  );
  const { pid, inspectorPort } = side;
  if (inspectorPort === null) {
    throw new Error("The runtime lets no profiler in.");
  }
  const parts: string[] = [];
  for (const [what, secret, status] of [
    ["pushes taken", hook.secret, 202],
    ["pushes with a forged signature refused", randomUUID(), 401],
  ] as const) {
    say(`profile: ${what}`);
    const next = await pushesInTurn(secret);
    const on = { urls: [hook.url], pid, connections: CONNECTIONS, status, next };
    await load({ ...on, ...WARM_UP });
    const places = await profiled(inspectorPort, () => load({ ...on, ...TIMES }));
    parts.push(`${what}\n${table(places)}`);
  }
  return parts.join("\n\n");
}

function table(places: readonly Place[]): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`.padStart(7);
  const lines = places
    .slice(0, SHOWN)
    .map(
      ({ name, self, total }) =>
        `${percent(self)}  ${percent(total)}  ${name.slice(0, NAME_CHARACTERS)}`,
    );
  return ["   self    total", ...lines].join("\n");
}
