import { configOf, type Config } from "../env.ts";
import { Sql } from "../sql.ts";
import { Alarm } from "./alarm.ts";
import { nextWake } from "./agenda.ts";
import { tellHolds } from "./hold.ts";
import { Listeners } from "./listeners.ts";
import { Slots } from "./slots.ts";

/** What every part of a project works with. One per object instance. */
export class Context {
  readonly state: DurableObjectState;
  readonly env: Env;
  readonly sql: Sql;
  readonly alarm: Alarm;
  readonly slots: Slots;
  readonly listeners: Listeners;
  /** The credential of the project's account, sealed, as the last permit brought it along. */
  credential: string | null = null;

  /** `onFree` is called when an effect has ended, to start what waited for its slot. */
  constructor(state: DurableObjectState, env: Env, onFree: () => void) {
    this.state = state;
    this.env = env;
    this.sql = new Sql(state.storage);
    this.alarm = new Alarm(state.storage);
    this.slots = new Slots(onFree);
    this.listeners = new Listeners(state);
  }

  now(): number {
    return Date.now();
  }

  /** A state change, what it means for those who wait, and the wake-up that it needs: one transaction, or nothing. */
  change<T>(body: () => T): T {
    const result = this.alarm.guard(() =>
      this.sql.transaction(() => {
        const done = body();
        tellHolds(this);
        this.arm();
        return done;
      }),
    );
    this.listeners.tell(this);
    return result;
  }

  /** Makes sure that the object wakes when something is due. */
  arm(): void {
    const now = this.now();
    const at = nextWake(this.sql, this.slots, now);
    if (at !== null) {
      this.alarm.setBy(at, now);
    }
  }

  /** @throws when the Worker is not configured; doors say so before anything gets here. */
  async config(): Promise<Config> {
    const config = await configOf(this.env);
    if (!config.ok) {
      throw new Error(`not configured: ${config.error.map((p) => p.setting).join(", ")}`);
    }
    return config.value;
  }
}
