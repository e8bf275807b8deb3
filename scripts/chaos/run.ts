import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startStack } from "../lib/stack.ts";
import { openIn, reconcile } from "./ledger.ts";
import type { Ledger } from "./ledger.ts";
import { Load } from "./load.ts";
import { planOf } from "./plan.ts";
import { Stage } from "./stage.ts";

export interface ChaosOptions {
  readonly kills: number;
  /** What is asked for and when, and how long Signalbox lives each time. How far it has come by then differs from run to run. */
  readonly seed: number;
  readonly say?: (line: string) => void;
}

/** After so long for each, the kills end, however many there were. */
const BOUND_MS = 12_000;
/** A create request that never arrived is looked for during 120 s, and each time it is lost anew. */
const DRAIN_MS = 420_000;
const LOOK_MS = 500;
const SAID_EVERY = 20;

/** Load over all doors while Signalbox is killed again and again; then everything comes to its end and is reconciled. */
export async function chaos({ kills, seed, say = () => {} }: ChaosOptions): Promise<Ledger> {
  const dir = await mkdtemp(join(tmpdir(), "signalbox-chaos-"));
  try {
    const stack = await startStack({ dir });
    const stage = new Stage(stack);
    try {
      await stage.setUp();
      const load = new Load(stage);
      const plan = planOf(seed, kills);
      let over = false;
      const playing = load.play(plan.actions, () => over);
      const began = performance.now();
      const since = (): number => performance.now() - began;
      let killed = 0;
      for (const life of plan.lives) {
        await delay(life);
        if (since() > kills * BOUND_MS) {
          break;
        }
        await stack.kill();
        const down = performance.now();
        await stack.restart();
        killed += 1;
        say(
          `kill ${killed} of ${kills} at ${(since() / 1000).toFixed(1)} s, back in ${Math.round(performance.now() - down)} ms: ${load.answered.length} triggers answered, ${load.cut} requests cut off`,
        );
      }
      over = true;
      await playing;
      say("Waiting for everything to come to its end");
      await load.over();
      await stage.pages.clearFaults();
      const deadline = performance.now() + DRAIN_MS;
      let open = await openIn(stage, dir);
      for (let n = 0; open.length > 0 && performance.now() < deadline; n++) {
        if (n % SAID_EVERY === 0) {
          say(`${open.length} still to come, such as: ${open[0]}`);
        }
        await delay(LOOK_MS);
        open = await openIn(stage, dir);
      }
      const ledger = await reconcile(stage, load, dir);
      const late = open.map((what) => `not over after ${DRAIN_MS / 1000} s: ${what}`);
      return {
        counts: { "kills survived": killed, ...ledger.counts },
        broken: [...ledger.broken, ...late],
      };
    } finally {
      stage.close();
      await stack.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}
