import { vi } from "vitest";

import { Slots } from "../../../src/project/slots.ts";

// oxlint-disable-next-line typescript/unbound-method -- called with what it was called on
const START = Slots.prototype.start;

/** An effect that stands still: before it begins, or while a call of it is on its way. */
interface Parked {
  readonly turn: Turn;
  /** When it may go on. */
  readonly at: number;
  readonly go: () => void;
  /** What comes of its call should its object be lost now. */
  readonly lost: () => void;
}

/** The effect whose turn it is. */
export interface Turn {
  readonly slots: Slots;
  readonly key: string;
  readonly beganAt: number;
  /** When it claimed what it does. */
  claimedAt: number | null;
}

/**
 * Lets one effect go on at a time, from where it stands to its next call or its end, and draws which one: so what
 * happens follows from what is drawn, and not from which of two was faster. Calls take virtual time.
 */
export class Turns {
  current: Turn | null = null;
  readonly draw: () => number;
  #parked: Parked[] = [];
  #over: (() => void) | null = null;
  readonly #gone = new WeakSet<Slots>();

  constructor(draw: () => number) {
    this.draw = draw;
    const begin = (slots: Slots, key: string, effect: () => Promise<void>): Promise<void> =>
      this.#run(slots, key, effect);
    vi.spyOn(Slots.prototype, "start").mockImplementation(function (
      this: Slots,
      key,
      kind,
      now,
      leaseMs,
      effect,
    ) {
      return START.call(this, key, kind, now, leaseMs, () => begin(this, key, effect));
    });
  }

  /** The call of the effect whose turn it is takes so long. `lost` is what comes of it when the object is gone before. */
  async pause(ms: number, lost: () => void = () => undefined): Promise<void> {
    const turn = this.current;
    if (turn !== null) {
      await this.#park(turn, Date.now() + ms, lost);
    }
  }

  /**
   * Lets all go on whose time has come, until none is left, and says whether there were any. `inside` calls something
   * within the object that these slots are of, since nobody else may go on there.
   */
  async drain(
    inside: (slots: Slots, body: () => Promise<void>) => Promise<void>,
  ): Promise<boolean> {
    for (let any = false; ; any = true) {
      const ready = this.#parked.filter(({ at }) => at <= Date.now());
      const next = ready[Math.floor(this.draw() * ready.length)];
      if (next === undefined) {
        return any;
      }
      this.#parked = this.#parked.filter((parked) => parked !== next);
      this.current = next.turn;
      await inside(next.turn.slots, async () => {
        const over = new Promise<void>((resolve) => {
          this.#over = resolve;
        });
        next.go();
        await over;
      });
    }
  }

  /** When the next one goes on. */
  nextAt(): number | null {
    const least = Math.min(...this.#parked.map(({ at }) => at));
    return least === Infinity ? null : least;
  }

  /** Whether something of theirs is under way. */
  busy(slots: ReadonlySet<Slots>): boolean {
    return this.#parked.some((parked) => slots.has(parked.turn.slots));
  }

  /** Their object is gone: nothing of it goes on. */
  forget(slots: ReadonlySet<Slots>): void {
    slots.forEach((one) => this.#gone.add(one));
    const gone = this.#parked.filter((parked) => slots.has(parked.turn.slots));
    this.#parked = this.#parked.filter((parked) => !slots.has(parked.turn.slots));
    gone.forEach(({ lost }) => lost());
    if (this.current !== null && slots.has(this.current.slots)) {
      this.#end(this.current);
    }
  }

  async #run(slots: Slots, key: string, effect: () => Promise<void>): Promise<void> {
    const turn: Turn = { slots, key, beganAt: Date.now(), claimedAt: null };
    await this.#park(turn, Date.now(), () => undefined);
    try {
      await effect();
    } finally {
      void this.#endOnceStarted(turn);
    }
  }

  async #park(turn: Turn, at: number, lost: () => void): Promise<void> {
    await new Promise<void>((go) => {
      if (!this.#gone.has(turn.slots)) {
        this.#parked.push({ turn, at, go, lost });
      }
      this.#end(turn);
    });
  }

  /** What the end of an effect makes room for is started before it is the next one's turn. */
  async #endOnceStarted(turn: Turn): Promise<void> {
    for (let ticks = 0; ticks < 20; ticks++) {
      await Promise.resolve();
    }
    this.#end(turn);
  }

  #end(turn: Turn): void {
    if (this.current === turn) {
      this.current = null;
      this.#over?.();
      this.#over = null;
    }
  }
}
