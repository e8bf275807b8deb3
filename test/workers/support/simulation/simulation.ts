import { evictDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";

import { instanceOf } from "../../../../src/objects.ts";
import type { PolicyChange } from "../../../../src/project/policy.ts";
import { seeded, withoutChance } from "../../../support/chance.ts";
import { ALL_DONE, complain, Play, travelMs } from "../model/play.ts";
import type { Seen } from "../model/seen.ts";
import { Hearing } from "./hearing.ts";

/** What was simulated so far, over all runs. */
export const tally = {
  runs: 0,
  steps: 0,
  crashes: 0,
  successors: 0,
  faults: 0,
  calls: 0,
  triggers: 0,
  events: 0,
  virtualMs: 0,
};

/** Texts that nobody may read anywhere. */
const KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";
let accounts = 0;

/**
 * Three projects under one instance, with one seed for everything: one that builds from git, one of direct uploads, and one
 * in an account of another owner; and three subscribers. What holds of each project is judged by the model's rules, what
 * spans them here.
 */
export class Simulation {
  readonly plays: Play[] = [];
  readonly hearings: Hearing[] = [];
  readonly #begun: string[] = [];
  readonly #logged: string[] = [];
  readonly #spies: { mockRestore: () => void }[] = [];
  readonly #leaveToChance: () => void;
  #began = 0;

  private constructor(leaveToChance: () => void) {
    this.#leaveToChance = leaveToChance;
  }

  static async begin(seed: number): Promise<Simulation> {
    const draw = seeded(seed);
    const simulation = new Simulation(withoutChance(draw));
    const first = await Play.begin({ draw });
    const beside = first.world;
    beside.travelMs = () => travelMs(draw);
    const accountId = `00feed51${String(++accounts).padStart(24, "0")}`;
    const account = { accountId, token: `their-token-${accountId}` };
    const second = await Play.begin({ beside, source: "direct_upload" });
    const third = await Play.begin({ beside, account });
    simulation.plays.push(first, second, third);
    for (const { world } of [second, third]) {
      world.travelMs = beside.travelMs;
    }
    simulation.hearings.push(
      await Hearing.begin(beside, "one.example", false),
      await Hearing.begin(beside, "ordered.example", true),
      await Hearing.begin(third.world, "third.example", false),
    );
    for (const method of ["log", "warn", "error"] as const) {
      simulation.#spies.push(
        vi.spyOn(console, method).mockImplementation((...said: unknown[]) => {
          simulation.#logged.push(JSON.stringify(said));
        }),
      );
    }
    simulation.#began = Date.now();
    return simulation;
  }

  async adopt(policies: readonly PolicyChange[]): Promise<void> {
    for (const [which, policy] of policies.entries()) {
      await this.step(`${which}: policy(${JSON.stringify(policy)})`, async () =>
        this.plays[which]?.people.changePolicy(policy),
      );
    }
  }

  /** One step, a moment after what went before, and what must hold whatever it was. */
  async step(what: string, act: () => Promise<void> | void): Promise<void> {
    const [{ world } = fail()] = this.plays;
    world.pass(1);
    this.#begun.push(`${new Date().toISOString()} ${what}`);
    await act();
    tally.steps += 1;
    await this.check();
  }

  async check(): Promise<void> {
    const all: Seen[] = [];
    for (const play of this.plays) {
      all.push(await play.check());
    }
    complain([
      ...this.hearings.flatMap((hearing) => hearing.judge(this.#eventsOf(hearing, all))),
      ...this.#limitHolds(),
      ...this.#silenceHolds(),
    ]);
  }

  /** With every obstacle gone, everything ends, and everybody is told of it. */
  async finish(): Promise<void> {
    await instanceOf(env).limitBuilds(null);
    for (const play of this.plays) {
      await play.clear();
    }
    this.hearings.forEach((hearing) => {
      hearing.mood = "good";
    });
    const [first = fail()] = this.plays;
    // Who says 410 to what is on its way now is told nothing more, although it was made active meanwhile.
    await first.pass(60_000);
    for (const hearing of this.hearings) {
      await hearing.recover();
    }
    await first.pass(
      ALL_DONE,
      first.everyMinute(() => this.#isOver()),
    );
    const all: Seen[] = [];
    for (const play of this.plays) {
      await play.checkEnd();
      all.push(await play.check());
    }
    complain([
      ...this.hearings.flatMap((hearing) => hearing.judgeEnd(this.#eventsOf(hearing, all))),
      ...(await this.#secretsStayInside(all)),
    ]);
    this.#count(all);
  }

  /** What was done last, for who looks for the reason of a failure. */
  story(): string {
    return this.#begun.slice(-25).join("\n");
  }

  async end(): Promise<void> {
    await instanceOf(env).limitBuilds(null);
    for (const play of this.plays) {
      await play.end();
      await instanceOf(env).unregister(play.world.key);
    }
    await instanceOf(env).removeAccount(this.plays[2]?.world.sandbox.accountId ?? "");
    this.#spies.forEach((spy) => spy.mockRestore());
    this.#leaveToChance();
  }

  // — What commands need —

  async restartInstance(): Promise<void> {
    // Only what runs can be evicted.
    await instanceOf(env).builds();
    await evictDurableObject(env.INSTANCE.getByName("instance"));
  }

  /** Invariant 8: without what proves it, nobody leaves a trace. */
  async forge(play: Play, door: "hook" | "api" | "gateway"): Promise<void> {
    const { world } = play;
    const account = `/client/v4/accounts/${world.sandbox.accountId}`;
    const path = {
      hook: (await play.doors.hookPath())?.replace(/[^.]+$/, "A".repeat(24)) ?? "/hooks/none",
      api: `/v1/projects/${world.name}/deploys`,
      gateway: `${account}/pages/projects/${world.name}/deployments`,
    }[door];
    const calls = world.calls.length;
    const before = await play.check();
    const answer = await exports.default.fetch(
      new Request(`https://signalbox.test${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
        body: JSON.stringify({ branch: "main", ref: "refs/heads/main" }),
      }),
    );
    const text = await answer.text();
    const after = await play.check();
    complain(
      answer.status < 400 ||
        answer.status >= 500 ||
        text.includes(KEY) ||
        after.triggers.length !== before.triggers.length ||
        world.calls.length !== calls
        ? [`invariant 8, forged: ${path} was answered ${answer.status}: ${text}`]
        : [],
    );
  }

  async #isOver(): Promise<boolean> {
    for (const one of [...this.plays, ...this.hearings]) {
      if (!(await one.isOver())) {
        return false;
      }
    }
    return true;
  }

  #eventsOf({ world }: Hearing, all: readonly Seen[]): Seen["events"] {
    return all[this.plays.findIndex((play) => play.world === world)]?.events ?? [];
  }

  /** Invariant 10: Cloudflare has nobody over its limit, so that it never refuses a call for that. */
  #limitHolds(): string[] {
    const windows = Map.groupBy(this.plays[0]?.world.calls ?? [], ({ account }) => account);
    return [...windows].flatMap(([account, calls]) => {
      const over = calls.find(({ at }, n) => (calls[n + 1_199]?.at ?? Infinity) - at < 300_000);
      return over === undefined ? [] : [`invariant 10, limit: too many calls for ${account}`];
    });
  }

  /** Invariant 10: after a 429, nobody takes a permit before its time is up. */
  #silenceHolds(): string[] {
    const [{ world } = fail()] = this.plays;
    return world.silences.flatMap(({ account, from, until }) =>
      world.calls
        .filter((call) => call.account === account && call.at > from && call.at < until)
        // Whoever had the permit already may still use it.
        .filter(({ method, since }) => method === "GET" || since > from)
        .map(({ method, at }) => `invariant 10, quiet: ${method} at ${at}, quiet until ${until}`),
    );
  }

  /** Invariant 9: what is secret stands in nothing that anybody reads. */
  async #secretsStayInside(all: readonly Seen[]): Promise<string[]> {
    const read: unknown[] = [
      all.map(({ deploys, events, triggers }) => [deploys, events, triggers]),
    ];
    for (const { world } of this.plays) {
      for (const subscriber of await world.stub().subscribers()) {
        const deliveries = await world
          .stub()
          .deliveries(subscriber.id, { limit: 100, before: null, state: null });
        read.push(subscriber, deliveries);
        for (const { id } of deliveries.slice(0, 5)) {
          read.push(await world.stub().delivery(subscriber.id, id));
        }
      }
    }
    const text = JSON.stringify(read) + this.#logged.join("\n");
    return [
      KEY,
      ...this.plays.map(({ world }) => world.sandbox.token),
      ...this.hearings.map(({ secret }) => secret.replace("whsec_", "")),
    ]
      .filter((secret) => text.includes(secret))
      .map(
        (secret) =>
          `invariant 9, secrets: ${text.slice(Math.max(0, text.indexOf(secret) - 200)).slice(0, 300)}`,
      );
  }

  #count(all: readonly Seen[]): void {
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    const sandboxes = new Set(this.plays.map(({ world }) => world.sandbox));
    const requests = [...sandboxes].flatMap((sandbox) => sandbox.journal().requests);
    tally.runs += 1;
    tally.crashes += sum(this.plays.map(({ world }) => world.crashes));
    tally.faults += requests.filter(({ fault }) => fault !== null).length;
    tally.calls += this.plays[0]?.world.calls.length ?? 0;
    tally.triggers += sum(all.map(({ triggers }) => triggers.length));
    tally.events += sum(all.map(({ events }) => events.length));
    tally.virtualMs += Date.now() - this.#began;
  }
}

function fail(): never {
  throw new Error("simulation: nothing has begun");
}
