/** Cloudflare allows six connections at once; one is left for the request that is being answered. */
const LIMIT = 5;
/** Of those, what may go to others than Cloudflare, so that a black hole never delays a deploy. */
const OUTBOUND_LIMIT = 3;
/** Of those, what may go to who was slow before or was never heard of, so that these hold up only one another. */
const SLOW_LIMIT = 1;

export type SlotKind = "upstream" | "outbound" | "slow";

interface Running {
  readonly kind: SlotKind;
  readonly leaseUntil: number;
  readonly done: Promise<void>;
}

/**
 * The effects of one object that are under way. Each has a key, so that nothing is started twice, and a lease: the
 * runtime may cut a detached fetch without a word, and then nothing but the lease ends it here.
 */
export class Slots {
  readonly #running = new Map<string, Running>();
  readonly #onFree: () => void;
  /** The most that were ever held at once; read by tests. */
  peak = 0;

  /** `onFree` is called whenever an effect has ended and its slot is free again. */
  constructor(onFree: () => void) {
    this.#onFree = onFree;
  }

  /** Starts `effect` unless it runs already or there is no slot. It must not throw; what it throws is logged. */
  start(
    key: string,
    kind: SlotKind,
    now: number,
    leaseMs: number,
    effect: () => Promise<void>,
  ): boolean {
    this.#expire(now);
    if (this.#running.has(key) || !this.free(kind)) {
      return false;
    }
    const entry: Running = {
      kind,
      leaseUntil: now + leaseMs,
      // A microtask later, so that the entry is there before the effect can end.
      done: Promise.resolve()
        .then(effect)
        .catch((error: unknown) => {
          console.error({ message: "effect failed", key, error: String(error) });
        })
        .finally(() => {
          if (this.#running.get(key) === entry) {
            this.#running.delete(key);
          }
          this.#onFree();
        }),
    };
    this.#running.set(key, entry);
    this.peak = Math.max(this.peak, this.#running.size);
    return true;
  }

  /** When the lease of a running effect ends; null when it does not run. */
  leaseOf(key: string, now: number): number | null {
    this.#expire(now);
    return this.#running.get(key)?.leaseUntil ?? null;
  }

  free(kind: SlotKind): boolean {
    if (this.#running.size >= LIMIT) {
      return false;
    }
    const others = [...this.#running.values()].filter((r) => r.kind !== "upstream");
    const slow = others.filter((r) => r.kind === "slow");
    return (
      kind === "upstream" ||
      (others.length < OUTBOUND_LIMIT && (kind === "outbound" || slow.length < SLOW_LIMIT))
    );
  }

  /** The earliest end of any lease: when what found no slot is looked at again, should nothing end before. */
  nextLease(): number | null {
    const leases = [...this.#running.values()].map((r) => r.leaseUntil);
    return leases.length === 0 ? null : Math.min(...leases);
  }

  /** Resolves when nothing runs any more, `except` left aside; what is started meanwhile included. For tests. */
  async settled(except: (key: string) => boolean = () => false): Promise<void> {
    for (;;) {
      const running = [...this.#running].filter(([key]) => !except(key));
      if (running.length === 0) {
        return;
      }
      await Promise.all(running.map(([, { done }]) => done));
    }
  }

  #expire(now: number): void {
    for (const [key, running] of this.#running) {
      if (running.leaseUntil <= now) {
        this.#running.delete(key);
      }
    }
  }
}
