import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";

import { configOf, type Config } from "../../../src/env.ts";
import { newId } from "../../../src/ids.ts";
import { newWebhookSecret } from "../../../src/notify/webhook.ts";
import { instanceOf, projectKey, projectOf, type Remote } from "../../../src/objects.ts";
import type { Slots } from "../../../src/project/slots.ts";
import type { AcceptInput, Answered } from "../../../src/project/accept.ts";
import { accountSeal } from "../../../src/cloudflare/credential.ts";
import { CATALOGUE } from "../../../src/project/catalogue.ts";
import { Project } from "../../../src/project/project.ts";
import type { Deploy, Event } from "../../../src/project/shapes.ts";
import type { Policy } from "../../../src/project/policy.ts";
import { SubscriberSettings } from "../../../src/project/subscriber-settings.ts";
import { subscriberSeal, type NewSubscriber } from "../../../src/project/subscribers.ts";
import { Outside, type Account, type Receiver } from "./outside.ts";
import { Turns, type Turn } from "./turns.ts";

/** Virtual time begins here: so far ahead that no real alarm ever fires by itself. */
const EPOCH = Date.UTC(2040, 0, 2, 12, 0, 0);

/** A crash that was asked for: the object is gone, as after an eviction in mid-step. */
interface Crash {
  readonly point: string;
  /** Which time the point is reached. */
  readonly hit: number;
}

export interface CallMade {
  readonly account: string;
  readonly at: number;
  readonly method: string;
  /** When its effect began, which is when a permit was had at the earliest. */
  readonly since: number;
}

export interface Silence {
  readonly account: string;
  readonly from: number;
  readonly until: number;
}

export interface WorldOptions {
  readonly name?: string;
  readonly source?: "git" | "direct_upload";
  readonly policy?: Partial<Policy>;
  /** Another project of the same world: outside and time are theirs together. */
  readonly beside?: World;
  /** In another account than the configured one, which is stored. */
  readonly account?: Account;
  /** Draws what happens next and how long calls take, so that nothing depends on what is faster. */
  readonly draw?: () => number;
}

/**
 * One project, or several beside each other, the instance, the sandbox and any number of receivers under one virtual
 * clock. Nothing here waits by the wall: {@link run} goes from alarm to alarm and lets every effect end in between.
 */
export class World extends Outside {
  readonly key: string;
  /** Every fault point that was reached, in order. */
  readonly points: string[] = [];
  config: Config | null = null;
  crashes = 0;
  /** How often it was called: as long as this is the same, so is the object. */
  touches = 0;
  /** Until the watchdog comes, nothing wakes the object. */
  alarmLost = false;
  /** Every call that has left for Cloudflare, and how long a 429 has everybody quiet, of all projects. Where effects take turns. */
  readonly calls: CallMade[];
  readonly silences: Silence[];
  /** By deployment: the deploy whose request has made it, and when that was claimed. Where effects take turns. */
  readonly sent = new Map<string, { deploy: string; claimedAt: number }>();
  readonly turns: Turns | null;
  /** How long a call takes in one direction, where effects take turns. */
  travelMs: () => number = () => 0;
  readonly #all: World[];
  readonly #id: string;
  #state: DurableObjectState | null = null;
  readonly #crashed = new WeakSet<DurableObjectState>();
  #crash: Crash | null = null;
  #hits = new Map<string, number>();
  /** The last event that was checked. */
  #checked = 0;
  /** Of the object as it is, and of a predecessor of which something is still under way. */
  #slots = new Set<Slots>();
  /** When the object wakes next; undefined: to be asked. */
  #alarm: number | null | undefined;
  /** Requests that arrive although their object is gone. */
  readonly #orphans: (() => Promise<unknown>)[];

  constructor(name: string, account: Account = {}, { beside, draw }: WorldOptions = {}) {
    // Objects outlive a test: time goes on where the last world of this file left it.
    const resume = vi.isFakeTimers() ? Date.now() : EPOCH;
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(resume);
    super(name, account, beside);
    this.key = projectKey(this.sandbox.accountId, name);
    this.#id = env.PROJECT.idFromName(this.key).toString();
    this.#all = beside?.peers ?? [];
    this.calls = beside?.calls ?? [];
    this.silences = beside?.silences ?? [];
    this.#orphans = beside === undefined ? [] : beside.#orphans;
    this.#all.push(this);
    this.turns = beside?.turns ?? (draw === undefined ? null : new Turns(draw));
    if (beside === undefined) {
      // The same spy again where there is one, which would keep every request of thousands of runs.
      vi.spyOn(globalThis, "fetch")
        .mockClear()
        .mockImplementation((input, init) => this.#fetch(new Request(input, init)));
      (globalThis as { __fault?: unknown }).__fault = (
        point: string,
        state: DurableObjectState | null,
      ): void => this.#worldOf(state).#fault(point, state);
    }
  }

  /** All projects beside each other, this one too. */
  get peers(): World[] {
    return this.#all;
  }

  #worldOf(state: DurableObjectState | null): World {
    const id = this.#all.length > 1 ? state?.id.toString() : null;
    return this.#all.find((world) => world.#id === id) ?? this;
  }

  /** Registers a fresh Pages project of this name: `git` or direct upload. */
  static async create(options: WorldOptions = {}): Promise<World> {
    const name = options.name ?? `p-${newId("dpl").slice(-10).toLowerCase()}`;
    const source = options.source ?? "git";
    const world = new World(name, options.account, options);
    const project = await world.addPagesProject(source);
    const config = await configOf(env);
    if (!config.ok) {
      throw new Error(JSON.stringify(config.error));
    }
    world.config = config.value;
    if (options.account !== undefined) {
      await world.#storeAccount();
    }
    await instanceOf(env).register({
      key: world.key,
      name,
      account_id: world.sandbox.accountId,
    });
    const registered = await world.stub().register(
      {
        key: world.key,
        account_id: world.sandbox.accountId,
        name,
        upstream_id: project.id,
        production_branch: project.production_branch,
        subdomain: project.subdomain,
        domains: project.domains,
        source,
        origin: "https://signalbox.example.com",
      },
      options.policy ?? {},
    );
    if (!registered.ok) {
      throw new Error(registered.error.detail);
    }
    // The budget's bucket is empty at start; it fills while this passes.
    world.pass(60_000);
    return world;
  }

  /** Its credential, as an instance knows it that has one for each account. */
  async #storeAccount(): Promise<void> {
    const { accountId: id, token } = this.sandbox;
    const credential = JSON.stringify({ kind: "token", token });
    await instanceOf(env).putAccount({
      id,
      kind: "token",
      credential: (await this.config?.keyring.seal(accountSeal(id), credential)) ?? "",
      owner: id,
      description: null,
    });
  }

  /** Always a new stub: an old one is broken after a crash. */
  stub(): Remote<Project> {
    this.touched();
    return projectOf(env, this.key);
  }

  /** Each call costs a millisecond, so what is to be known after it is read within it. */
  inside<T>(body: (project: Project, state: DurableObjectState) => T | Promise<T>): Promise<T> {
    this.touched();
    return runInDurableObject<Project, T>(
      env.PROJECT.getByName(this.key),
      async (project: Project, state) => {
        this.#state = state;
        this.#slots.add(project.context.slots);
        const result = await body(project, state);
        // Without turns, it goes on by itself.
        this.#alarm = this.turns === null ? undefined : await state.storage.getAlarm();
        return result;
      },
    );
  }

  /** The object was called: what is known of it has to be read anew. */
  touched(): void {
    this.#alarm = undefined;
    this.touches += 1;
  }

  now(): number {
    return Date.now();
  }

  pass(ms: number): void {
    vi.setSystemTime(Date.now() + ms);
  }

  // — Triggers —

  /** A verified push, as the hook door hands it over. */
  async push(
    options: { branch?: string; commit?: string; message?: string; delivery?: string } = {},
  ): Promise<Answered> {
    const branch = options.branch ?? "main";
    const commit = options.commit ?? newId("dpl").slice(-12).toLowerCase().padEnd(40, "0");
    this.sandbox.push({
      project: this.name,
      branch,
      commit_hash: commit,
      commit_message: options.message ?? "change",
    });
    const delivery = options.delivery ?? newId("trg");
    return this.accept({
      trigger: {
        id: newId("trg"),
        kind: "hook",
        source: "github",
        actor: "ines",
        delivery_id: delivery,
      },
      dedupe_key: `hook/${delivery}/${branch}`,
      branch,
      form: { branch, commit_hash: commit, commit_message: options.message ?? "change" },
      content_hash: `build/${branch}/${commit}`,
    });
  }

  async accept(input: Partial<AcceptInput>): Promise<Answered> {
    const full: AcceptInput = {
      deploy_id: newId("dpl"),
      trigger: { id: newId("trg"), kind: "api", source: "api", actor: null, delivery_id: null },
      dedupe_key: null,
      fingerprint: null,
      kind: "build",
      branch: null,
      form: {},
      content_hash: null,
      upload: null,
      stored_upload: null,
      hook_id: null,
      retry_of: null,
      ...input,
    };
    const accepted = await this.retrying(() => this.stub().accept(full));
    if (!accepted.ok) {
      throw new Error(`${accepted.error.code}: ${accepted.error.detail}`);
    }
    return accepted.value;
  }

  /** Back to this deploy, or to the success before the one that is live. */
  async rollBack(to: string | null = null): Promise<Answered> {
    const trigger = {
      id: newId("trg"),
      kind: "api",
      source: "api",
      actor: "tok_ada",
      delivery_id: null,
    } as const;
    const deployId = newId("dpl");
    const answer = await this.retrying(() => this.stub().rollBack(to, trigger, deployId));
    if (!answer.ok) {
      throw new Error(answer.error.detail);
    }
    return answer.value;
  }

  /** Repeats a call whose object crashed under it, as the edge does. */
  async retrying<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      const before = this.crashes;
      try {
        return await call();
      } catch (error) {
        if (this.crashes === before) {
          throw error;
        }
      }
    }
  }

  async subscribe(
    host: string,
    receiver: Receiver = () => new Response(null, { status: 204 }),
    more: Partial<NewSubscriber> = {},
  ): Promise<string> {
    const id = newId("sub");
    const secret = newWebhookSecret();
    const sealed = await this.config?.keyring.seal(subscriberSeal(this.key, id), secret);
    this.receivers.set(host, receiver);
    const added = await this.stub().addSubscriber({
      id,
      url: `https://${host}/events`,
      kind: "webhook",
      events: ["*"],
      settings: SubscriberSettings.parse({}),
      ordered: false,
      headers: { names: [], sealed: null },
      host: {},
      secret: sealed ?? "",
      description: null,
      ...more,
    });
    if (!added.ok) {
      throw new Error(added.error.detail);
    }
    return id;
  }

  /** The signing secret of a subscriber, unsealed. */
  async secretOf(id: string): Promise<string> {
    const sealed = await this.inside(
      ({ context }) =>
        context.sql.one<{ secret: string }>("SELECT secret FROM subscribers WHERE id = ?", id)
          ?.secret,
    );
    return (await this.config?.keyring.unseal(subscriberSeal(this.key, id), sealed ?? "")) ?? "";
  }

  // — Time —

  /**
   * Lets virtual time run: every alarm at its time, every effect to its end, until nothing is due within `ms`.
   * `done` ends it early.
   */
  async run(ms: number, done?: () => Promise<boolean>): Promise<void> {
    await this.#run(ms, done);
    await this.#checkEvents();
  }

  async #run(ms: number, done?: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + ms;
    for (let steps = 0; steps < 5_000; steps++) {
      const alarms = await this.#settle();
      if (done !== undefined && (await done())) {
        return;
      }
      const first = Math.min(...alarms.map((alarm) => alarm ?? Infinity));
      const next = this.turns?.nextAt() ?? Infinity;
      const at = Math.min(first, next);
      if (at > end) {
        vi.setSystemTime(end);
        return;
      }
      vi.setSystemTime(Math.max(Date.now(), at));
      if (first <= next) {
        await this.#all[alarms.indexOf(first)]?.fire();
      }
    }
    throw new Error("world: too many alarms; something is due again and again");
  }

  /** The alarm goes off, if one is set. */
  async fire(): Promise<void> {
    const fired = this.retrying(() =>
      this.inside(async (project, state) => {
        if ((await state.storage.getAlarm()) !== null) {
          await state.storage.deleteAlarm();
          await project.alarm();
        }
      }),
    );
    await fired.catch(() => undefined);
  }

  /** Runs until the deploy has ended, at most a day. */
  async ended(id: string): Promise<Deploy> {
    await this.run(86_400_000, async () => (await this.deploy(id)).ended_at !== null);
    return this.deploy(id);
  }

  async deploy(id: string): Promise<Deploy> {
    const deploy = await this.retrying(() => this.stub().deploy(id));
    if (deploy === null) {
      throw new Error(`no deploy ${id}`);
    }
    return deploy;
  }

  async events(): Promise<Event[]> {
    await this.#checkEvents();
    return this.stub().events(0, 10_000);
  }

  /** Whatever a test has emitted is as the catalogue says, and says nothing else. */
  async #checkEvents(): Promise<void> {
    const fresh = await this.retrying(() => this.stub().events(this.#checked, 10_000));
    for (const { type, data, sequence } of fresh) {
      expect(CATALOGUE[type].data.parse(data)).toEqual(data);
      this.#checked = sequence;
    }
  }

  // — Crashes —

  crashAt(point: string, hit = 1): void {
    this.#crash = { point, hit };
    this.#hits = new Map();
  }

  disarm(): void {
    this.#crash = null;
  }

  /** The object is lost between two steps, with all that it had in memory. */
  async lose(): Promise<void> {
    const aborted = this.inside((_, state) => {
      this.#crashed.add(state);
      state.abort("lost");
    });
    await aborted.catch(() => undefined);
    this.#forget();
  }

  /**
   * Another instance takes the object over, as after it was lost; but what the one before had under way goes on to its
   * end, as if that did not know yet.
   */
  async replace(): Promise<void> {
    await this.inside(async (project, state) => {
      const successor = new Project(state, env);
      await state.blockConcurrencyWhile(async () => undefined);
      Object.assign(project, { context: successor.context });
      this.#slots.add(successor.context.slots);
    });
  }

  #forget(): void {
    this.#alarm = undefined;
    const slots = this.#slots;
    this.#slots = new Set();
    this.turns?.forget(slots);
  }

  /** Whether something of this project is under way, where effects take turns. */
  get busy(): boolean {
    return this.turns?.busy(this.#slots) === true;
  }

  get crashArmed(): boolean {
    return this.#crash !== null;
  }

  #fault(point: string, state: DurableObjectState | null): void {
    this.points.push(point);
    this.#state = state;
    if (point.endsWith(".claimed") && this.turns?.current != null) {
      this.turns.current.claimedAt = Date.now();
    }
    const hits = (this.#hits.get(point) ?? 0) + 1;
    this.#hits.set(point, hits);
    if (this.#crash?.point === point && this.#crash.hit === hits && state !== null) {
      this.#crash = null;
      this.crashes += 1;
      this.#crashed.add(state);
      // First, as aborting throws: else what was under way would go on, within the object's successor.
      this.#forget();
      state.abort(`crash at ${point}`);
    }
  }

  /** Waits for everything that runs, and says when the next alarms are. */
  async #settle(): Promise<(number | null)[]> {
    const alarms: (number | null)[] = [];
    for (const world of this.#all) {
      alarms.push(world.#alarm === undefined ? await world.#read() : world.#alarm);
    }
    if (this.turns === null) {
      return alarms;
    }
    await this.#arrivals();
    const went = await this.turns.drain(async (slots, body) => {
      const owner = this.#ownerOf(slots);
      const before = owner?.crashes;
      try {
        await owner?.inside(body);
      } catch (error) {
        if (owner?.crashes === before) {
          throw error;
        }
      }
      await this.#arrivals();
    });
    return went || this.#all.some((world) => world.#alarm === undefined) ? this.#settle() : alarms;
  }

  async #arrivals(): Promise<void> {
    for (const arrive of this.#orphans.splice(0)) {
      await arrive().catch(() => null);
    }
  }

  async #read(): Promise<number | null> {
    return this.retrying(() =>
      this.inside(async (project, state) => {
        if (this.turns === null) {
          await project.context.slots.settled((key) => this.hanging.has(key));
        }
        return state.storage.getAlarm();
      }),
    );
  }

  #ownerOf(slots: Slots): World | null {
    return this.#all.find((world) => world.#slots.has(slots)) ?? null;
  }

  /** Keys of effects that hang on purpose and are not waited for. */
  readonly hanging = new Set<string>();

  async #fetch(request: Request): Promise<Response> {
    const turn = this.turns?.current ?? null;
    const caller = turn === null ? this : (this.#ownerOf(turn.slots) ?? this);
    // The platform's output gate, which a replaced fetch goes past: nothing leaves before what was written is durable.
    // A call from the edge has no part in an object's storage, and may not touch it; one from an object that has
    // crashed does not get out.
    await Promise.resolve(caller.#state?.storage.sync()).catch(() => undefined);
    if (caller.#state !== null && this.#crashed.has(caller.#state)) {
      throw new TypeError("the object that called has crashed");
    }
    return turn === null ? this.answer(request) : caller.#travel(request, turn);
  }

  /** There and back, in its time. What has left arrives, sometimes, although nobody is there any more to hear the answer. */
  async #travel(request: Request, turn: Turn): Promise<Response> {
    const { url, method } = request;
    const headers = [...request.headers];
    const bytes = await request.arrayBuffer();
    const body = bytes.byteLength === 0 ? null : bytes;
    const arrive = async (): Promise<Response> => {
      try {
        return await this.answer(new Request(url, { method, headers, body }));
      } finally {
        this.#note(method, url, turn);
      }
    };
    const arrives = this.turns?.draw() ?? 0;
    const account = /\/accounts\/([^/]+)\/pages\/projects\//.exec(url)?.[1] ?? null;
    if (account !== null) {
      this.calls.push({ account, at: Date.now(), method, since: turn.beganAt });
    }
    await this.wait(this.travelMs(), () => {
      if (arrives < 0.5) {
        this.#orphans.push(arrive);
      }
    });
    const response = await arrive();
    const backMs = this.travelMs();
    if (backMs > 0) {
      await this.wait(backMs);
    }
    if (account !== null && response.status === 429) {
      const until = Date.now() + Number(response.headers.get("retry-after")) * 1_000;
      this.silences.push({ account, from: Date.now(), until });
    }
    return response;
  }

  override async wait(ms: number, lost?: () => void): Promise<void> {
    await this.turns?.pause(ms, lost);
  }

  #note(method: string, url: string, turn: Turn): void {
    if (method === "POST" && url.endsWith("/deployments")) {
      const made = this.sandbox.journal().requests.at(-1)?.deployment;
      if (made != null) {
        const [, deploy = ""] = turn.key.split("/");
        this.sent.set(made, { deploy, claimedAt: turn.claimedAt ?? Date.now() });
      }
    }
  }
}
