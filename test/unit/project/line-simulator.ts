import type { Environment, Policy } from "../../../src/project/policy.ts";
import {
  decide,
  type Holder,
  type Lock,
  type Rules,
  type Waiting,
} from "../../../src/project/queue.ts";
import { quietPeriod } from "../../../src/project/quiet.ts";
import { openingAt, type Opening } from "../../../src/project/windows.ts";

/** By this time everything ends that nothing stops. */
const LONGEST_MS = 24 * 3_600_000;

const OPENINGS = new WeakMap<Policy["windows"], Map<string, Opening>>();

export type LinePolicy = Pick<Policy, "lane" | "min_interval_seconds" | "quiet_period" | "windows">;

interface Running extends Holder {
  readonly endsAt: number;
  readonly deploy: Waiting;
  readonly fails: boolean;
}

interface Quieting {
  readonly since: number;
  /** The latest end that its quiet period may have. */
  readonly latest: number;
}

/** The decisions of a line with claims and ends played around them, in time of its own. */
export class LineSimulator {
  now = Date.UTC(2040, 0, 2, 12, 0, 0);
  policy: LinePolicy = {
    lane: "project",
    min_interval_seconds: 0,
    quiet_period: { seconds: 0, max_wait_seconds: 600 },
    windows: [],
  };
  readonly complaints: string[] = [];
  readonly #locks: Lock[] = [];
  #waiting: Waiting[] = [];
  #running: Running[] = [];
  readonly #marks = new Map<string, { number: number; at: number }>();
  readonly #quiet = new Map<string, Quieting>();
  #number = 0;

  get open(): number {
    return this.#waiting.length + this.#running.length;
  }

  trigger(target: string, more: Partial<Waiting>, supersedes: boolean): void {
    const hook = more.trigger_kind === "hook";
    const own = this.#waiting.filter((d) => d.target === target && d.kind !== "rollback");
    const firsts = own.flatMap(({ id }) => this.#quiet.get(id)?.since ?? []);
    const since = Math.min(this.now, ...firsts);
    const { quiet_period: period } = this.policy;
    const given = firsts.length === 0 ? null : since;
    const quiet = hook ? quietPeriod(period, null, given, this.now) : null;
    const number = ++this.#number;
    const deploy: Waiting = {
      id: `dpl_${number}`,
      number,
      target,
      environment: target === "production" ? "production" : "preview",
      kind: "build",
      trigger_kind: "hook",
      created_at: this.now,
      due_at: null,
      waiting_for: null,
      not_before: null,
      quiet_until: quiet?.quiet_until ?? null,
      approval_until: null,
      released_by: null,
      ...more,
    };
    if (quiet !== null) {
      const most = Math.max(period.seconds, period.max_wait_seconds) * 1_000;
      this.#quiet.set(deploy.id, { since, latest: since + most });
    }
    const kept = supersedes ? this.#waiting.filter((d) => !own.includes(d)) : this.#waiting;
    this.#waiting = [...kept, deploy];
  }

  lock(environment: Lock["environment"], forMs: number | null): void {
    const until = forMs === null ? null : this.now + forMs;
    const id = `lck_${this.#number}`;
    this.#locks.push({ id, environment, holder: "ada", reason: "moving", until });
  }

  unlock(which: number): void {
    this.#locks.splice(which % Math.max(1, this.#locks.length), 1);
  }

  change(which: number, change: (deploy: Waiting) => Partial<Waiting>): void {
    const chosen = this.#waiting[which % Math.max(1, this.#waiting.length)];
    this.#waiting = this.#waiting.map((d) => (d === chosen ? { ...d, ...change(d) } : d));
  }

  cancel(which: number): void {
    this.#waiting.splice(which % Math.max(1, this.#waiting.length), 1);
  }

  /** From one thing that is due to the next: a wake-up of the line, or an end of what runs. */
  pass(ms: number, runMs: number, fails: boolean): void {
    const end = this.now + ms;
    for (let turns = 0; turns < 10_000; turns++) {
      const wakeAt = this.#decide(runMs, fails);
      const next = Math.min(wakeAt ?? Infinity, ...this.#running.map(({ endsAt }) => endsAt));
      if (next > end || this.open === 0) {
        this.now = end;
        return;
      }
      this.now = next;
      this.#finish();
    }
    this.complaints.push("something is due again and again");
  }

  /** With nothing in the way any more, everything ends. */
  finish(): void {
    this.policy = { ...this.policy, windows: [] };
    this.#locks.length = 0;
    this.#waiting = this.#waiting.map((deploy) => ({ ...deploy, approval_until: null }));
    this.pass(LONGEST_MS, 1_000, false);
    if (this.open > 0) {
      this.complaints.push(`${this.open} never end`);
    }
  }

  /** Windows begin and end with a minute, and to look them up is most of the work. */
  #opening(environment: Environment, at: number): Opening {
    const { windows } = this.policy;
    const known = OPENINGS.get(windows) ?? new Map<string, Opening>();
    OPENINGS.set(windows, known);
    const key = `${environment} ${Math.floor(at / 60_000)}`;
    const opening = known.get(key) ?? openingAt(windows, environment, at);
    known.set(key, opening);
    return opening;
  }

  #rules(at: number): Rules {
    return {
      policy: this.policy,
      locks: this.#locks,
      openings: {
        production: this.#opening("production", at),
        preview: this.#opening("preview", at),
      },
      lastStart: (target) => this.#marks.get(target) ?? null,
    };
  }

  /** Claims what may start until nothing more does; says when the line is to be looked at again. */
  #decide(runMs: number, fails: boolean): number | null {
    for (;;) {
      const line = decide(this.#waiting, this.#running, this.#rules(this.now), this.now);
      this.#judge(line);
      const started = this.#waiting.filter(({ id }) => line.start.includes(id));
      if (started.length === 0) {
        this.#judgeWake(line.wakeAt);
        return line.wakeAt;
      }
      this.#waiting = this.#waiting.filter((deploy) => !started.includes(deploy));
      for (const deploy of started) {
        // What is older than the target's last start is superseded instead.
        if ((this.#marks.get(deploy.target)?.number ?? 0) <= deploy.number) {
          this.#claim(deploy, runMs, fails);
        }
      }
    }
  }

  #claim(deploy: Waiting, runMs: number, fails: boolean): void {
    this.#judgeClaim(deploy);
    const { number, target, kind } = deploy;
    this.#marks.set(target, { number, at: this.now });
    this.#running.push({ number, target, kind, deploy, endsAt: this.now + runMs, fails });
  }

  /** What fails is tried again once, after a while. */
  #finish(): void {
    const ended = this.#running.filter(({ endsAt }) => endsAt <= this.now);
    this.#running = this.#running.filter((one) => !ended.includes(one));
    const again = ended.filter(({ fails, deploy }) => fails && deploy.waiting_for === null);
    this.#waiting.push(
      ...again.map(({ deploy }) => ({
        ...deploy,
        due_at: this.now + 20_000,
        waiting_for: "retry" as const,
      })),
    );
  }

  #judge({ start, waits }: ReturnType<typeof decide>): void {
    for (const { id, number } of this.#waiting) {
      const wait = waits.get(id);
      if (start.includes(id) === (wait !== undefined)) {
        this.complaints.push(`#${number} both starts and waits, or neither`);
      }
      const open = wait === undefined || ["turn", "lock", "window"].includes(wait.for);
      if (wait?.until === null && !open) {
        this.complaints.push(`#${number} waits for ${wait.for} without an end`);
      }
      if (wait !== undefined && wait.until !== null && wait.until <= this.now) {
        this.complaints.push(`#${number} waits for what is over`);
      }
      const latest = this.#quiet.get(id)?.latest ?? Infinity;
      if (wait?.for === "quiet_period" && (wait.until ?? Infinity) > latest) {
        this.complaints.push(`#${number} is quiet for too long`);
      }
    }
  }

  /** A moment before the line is to be looked at again, nothing may start yet: nobody would have seen it. */
  #judgeWake(wakeAt: number | null): void {
    const before = (wakeAt ?? this.now + 600_000) - 1;
    const missed = decide(this.#waiting, this.#running, this.#rules(before), before).start;
    if (before > this.now && missed.length > 0) {
      this.complaints.push(`${missed.join(" ")} could start before the line wakes`);
    }
  }

  #judgeClaim(deploy: Waiting): void {
    const { number, target, environment, released_by: released } = deploy;
    if (deploy.kind === "rollback") {
      return;
    }
    const besides = this.#running.filter(
      (one) => one.kind !== "rollback" && (this.policy.lane === "project" || one.target === target),
    );
    const locked = this.#locks.some(
      (lock) =>
        (lock.environment ?? environment) === environment && (lock.until ?? Infinity) > this.now,
    );
    const early =
      released === null &&
      (Math.max(deploy.not_before ?? 0, deploy.quiet_until ?? 0) > this.now ||
        !this.#opening(environment, this.now).open);
    const wrong = [
      besides.length > 0 ? `beside #${besides[0]?.number}` : null,
      locked ? "though it is locked" : null,
      early ? "before its time" : null,
      deploy.approval_until === null ? null : "without approval",
      (deploy.due_at ?? 0) > this.now ? "before it is to be tried again" : null,
    ].filter((why) => why !== null);
    this.complaints.push(...wrong.map((why) => `#${number} starts ${why}`));
  }
}
