/** How long a set alarm may be overdue before it counts as lost by the platform. */
const LOST_AFTER_MS = 30_000;

/**
 * The object's one alarm. `getAlarm` is asynchronous and so of no use inside a transaction: what is set is mirrored here,
 * which is exact because nobody else sets it.
 */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Reads what is really set: by an earlier instance of the object, or after the platform may have lost it. */
  async load(): Promise<void> {
    const before = this.#at;
    const set = await this.#storage.getAlarm();
    // What was set meanwhile is newer than what was read.
    if (this.#at === before) {
      this.#at = set;
    }
  }

  /** The alarm has fired, so none is set. */
  fired(): void {
    this.#at = null;
  }

  /**
   * Makes the object wake at `at` or earlier. Writes only when that changes something, since each write is billed; but an
   * alarm that is long overdue was lost, and is set anew.
   */
  setBy(at: number, now: number): void {
    const lost = this.#at !== null && this.#at < now - LOST_AFTER_MS;
    if (this.#at === null || at < this.#at || lost) {
      const next = Math.max(at, now);
      this.#at = next;
      void this.#storage.setAlarm(next);
    }
  }

  /** Runs a transaction whose rollback also takes back what it set here. */
  guard<T>(transaction: () => T): T {
    const before = this.#at;
    try {
      return transaction();
    } catch (error) {
      this.#at = before;
      throw error;
    }
  }
}
