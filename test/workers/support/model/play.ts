import { vi } from "vitest";

import type { Call, FaultKind } from "../../../../sandbox/types.ts";
import { DEFAULT_POLICY } from "../../../../src/project/policy.ts";
import type { Deploy } from "../../../../src/project/shapes.ts";
import { World, type WorldOptions } from "../world.ts";
import { Doors } from "./doors.ts";
import { Ledger } from "./ledger.ts";
import { People } from "./people.ts";
import { judge, judgeEnd } from "./rules.ts";
import {
  lookInside,
  lookOutside,
  openLeftovers,
  terminal,
  type Seen,
  type SeenInside,
} from "./seen.ts";
import { Triggers } from "./triggers.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const WATCHDOG = 5 * MINUTE;
/** Once nothing is in the way any more, everything has ended by then. */
export const ALL_DONE = 12 * 60 * MINUTE;

/** One run of the model: a project of its own, and what is known of it from outside. */
export class Play {
  readonly world: World;
  readonly doors: Doors;
  readonly ledger = new Ledger();
  readonly triggers = new Triggers(this);
  readonly people = new People(this);

  #inside: { readonly touches: number; readonly seen: SeenInside } | null = null;

  private constructor(world: World, doors: Doors) {
    this.world = world;
    this.doors = doors;
  }

  /** Every run begins at noon of another day, so that the same commands do the same. */
  static async begin(options: WorldOptions): Promise<Play> {
    if (options.beside === undefined && vi.isFakeTimers()) {
      vi.setSystemTime(Math.ceil(Date.now() / DAY) * DAY + DAY / 2);
    }
    // What is stuck is given up soon, since each look at it takes time.
    const usual = { deadline_seconds: 120 };
    const world = await World.create({ policy: usual, ...options });
    const play = new Play(world, await Doors.to(world));
    play.ledger.policyIs(usual);
    return play;
  }

  /** One step, a moment after what went before, and what must hold whatever it was. */
  async step(act: () => Promise<void> | void): Promise<void> {
    this.world.pass(1);
    await act();
    await this.check();
  }

  async check(): Promise<Seen> {
    const seen = await this.#look();
    complain(judge(seen, this.ledger));
    return seen;
  }

  /** What cannot have changed since is not read again. */
  async #look(): Promise<Seen> {
    const { world } = this;
    if (this.#inside === null || this.#inside.touches !== world.touches) {
      const seen = await lookInside(world);
      this.#inside = { touches: world.touches, seen };
    }
    return { ...this.#inside.seen, ...lookOutside(world, this.ledger.lateBy) };
  }

  /** Lets time pass; the watchdog comes round every five minutes. */
  async pass(ms: number, done?: () => Promise<boolean>): Promise<void> {
    const { world } = this;
    const end = world.now() + ms;
    while (world.now() < end) {
      const round = (Math.floor(world.now() / WATCHDOG) + 1) * WATCHDOG;
      const until = Math.min(end, round);
      await world.run(until - world.now(), done);
      if (world.now() < until) {
        return;
      }
      if (until === round) {
        for (const each of world.peers) {
          await each.retrying(() => each.stub().wake());
          each.alarmLost = false;
        }
      }
    }
  }

  /** So many versions of production: with two, there is one to go back to. */
  async history(versions: number): Promise<void> {
    this.world.sandbox.speed({ factor: 0.001 });
    for (let version = 0; version < versions; version++) {
      await this.triggers.request("api", "main");
      await this.pass(2_000);
    }
    this.world.sandbox.speed({});
  }

  /** With every obstacle gone, everything ends, and what is live is right. A crash may be to come. */
  async finish(): Promise<void> {
    await this.clear();
    await this.pass(
      ALL_DONE,
      this.everyMinute(() => this.isOver()),
    );
    await this.checkEnd();
  }

  /** Takes everything out of the way. */
  async clear(): Promise<void> {
    const { world, people } = this;
    world.sandbox.clearFaults();
    world.sandbox.speed({});
    await this.triggers.uploadsEnd();
    await this.triggers.endSchedules();
    await people.changePolicy({
      windows: [],
      approval: { environments: [], expires_hours: 1 },
      health: DEFAULT_POLICY.health,
    });
    await people.unlockAll();
    for (const { waiting } of await this.#deploys()) {
      await (waiting?.for === "approval" ? people.approve(0) : null);
    }
    await this.check();
  }

  async checkEnd(): Promise<void> {
    complain(judgeEnd(await this.check()));
  }

  /** Its rows go, and so does the object: there are thousands of runs. */
  async end(): Promise<void> {
    this.world.disarm();
    await this.triggers.uploadsEnd();
    await this.world.retrying(() => this.world.stub().remove());
    await this.restart();
  }

  // — What commands need —

  fault(fault: FaultKind & { call: Call }, times: number): void {
    const lates = fault.kind === "late" ? Array<number>(times).fill(fault.delay_ms) : [];
    this.ledger.lateBy.push(...lates);
    this.world.sandbox.fault({ ...fault, times, project: this.world.name });
  }

  async restart(): Promise<void> {
    await this.world.lose();
  }

  async loseAlarm(): Promise<void> {
    await this.world.retrying(() => this.world.inside((_, state) => state.storage.deleteAlarm()));
    this.world.alarmLost = true;
  }

  /** The id of one of those deploys, or one that there is not. */
  async pick(which: number, from: (deploy: Deploy) => boolean): Promise<string> {
    const some = (await this.#deploys()).filter(from);
    return some[which % Math.max(1, some.length)]?.id ?? "dpl_none";
  }

  async waitingByTarget(): Promise<Map<string, string[]>> {
    const waiting = (await this.#deploys()).filter(({ status }) => status === "queued");
    return new Map(
      [...Map.groupBy(waiting, ({ target }) => target)].map(([target, deploys]) => [
        target,
        deploys.map(({ id }) => id),
      ]),
    );
  }

  /** Most of the time goes into asking whether it is over: that is asked once in a minute. */
  everyMinute(isOver: () => Promise<boolean>): () => Promise<boolean> {
    let next = 0;
    return async () => {
      if (this.world.now() < next) {
        return false;
      }
      next = this.world.now() + MINUTE;
      return isOver();
    };
  }

  /** Nothing waits or runs, no twin is looked for, and what is watched still is stuck at Cloudflare. */
  async isOver(): Promise<boolean> {
    const { busy, leftovers } = await this.world.retrying(() =>
      this.world.inside(({ context: { sql } }) => ({
        busy: sql.one(
          "SELECT 1 AS x FROM deploys WHERE ended_at IS NULL UNION SELECT 1 FROM stray_watches",
        ),
        leftovers: openLeftovers(sql),
      })),
    );
    const ended = leftovers.length === 0 ? null : terminal(this.world);
    return busy === null && leftovers.every((id) => ended?.has(id) === false);
  }

  #deploys(): Promise<Deploy[]> {
    const all = { limit: 1_000, before: null, branch: null, environment: null, status: null };
    return this.world.retrying(() => this.world.stub().deploys(all));
  }
}

/** Most calls are fast, and some take so long that much can happen meanwhile. */
export function travelMs(draw: () => number): number {
  const kind = draw();
  const ms = Math.floor(draw() * 1_000);
  return kind < 0.6 ? 0 : kind < 0.9 ? Math.floor(ms / 4) : ms * 7;
}

export function complain(wrong: readonly string[]): void {
  if (wrong.length > 0) {
    throw new Error(wrong.join("\n"));
  }
}
