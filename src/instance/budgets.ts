import type { Sql } from "../sql.ts";
import {
  announce,
  block,
  draw,
  leftAt,
  levelAt,
  newBudget,
  RATE,
  type Budget,
  type Left,
  type PermitKind,
} from "./budget.ts";

export interface OwnersBudget {
  readonly owner: string;
  readonly level: number;
  readonly blocked_until: number | null;
  /** As Cloudflare has announced it, where little is left. */
  readonly left: Left | null;
}

/** Who waits for a create's permit comes back one after the other, as fast as permits come. */
const TURN_MS = Math.ceil(1_000 / RATE);
/** But no later than that, since not all who were given a turn come back. */
const LAST_TURN_MS = 4_000;

/** The budget of each credential's owner. In memory but for how long nobody calls, since forgetting that costs five minutes. */
export class Budgets {
  readonly #sql: Sql;
  readonly #startedAt: number;
  readonly #known = new Map<string, Budget>();
  /** When the last one who was refused is to come back. */
  readonly #turns = new Map<string, number>();

  constructor(sql: Sql, startedAt: number) {
    this.#sql = sql;
    this.#startedAt = startedAt;
  }

  /** Takes a permit: null. Without one, when it is worth asking again. */
  take(owner: string, kind: PermitKind, now: number): number | null {
    const drawn = draw(this.#of(owner), kind, now);
    this.#known.set(owner, drawn.budget);
    if (drawn.granted) {
      return null;
    }
    return kind === "create" ? this.#turn(owner, drawn.until) : drawn.until;
  }

  block(owner: string, until: number): void {
    const budget = block(this.#of(owner), until);
    this.#known.set(owner, budget);
    this.#sql.run(
      "INSERT INTO budgets (owner, blocked_until) VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET blocked_until = excluded.blocked_until",
      owner,
      budget.blockedUntil,
    );
  }

  announce(owner: string, left: Left, now: number): void {
    this.#known.set(owner, announce(this.#of(owner), left, now));
  }

  shown(owners: readonly string[], now: number): OwnersBudget[] {
    return owners.map((owner) => {
      const budget = this.#of(owner);
      const { blockedUntil } = budget;
      return {
        owner,
        level: levelAt(budget, now),
        blocked_until: blockedUntil > now ? blockedUntil : null,
        left: leftAt(budget, now),
      };
    });
  }

  /** Were all told the same time, each would ask for every permit that there is, and one of them get it. */
  #turn(owner: string, from: number): number {
    const next = (this.#turns.get(owner) ?? -Infinity) + TURN_MS;
    const turn = Math.min(Math.max(from, next), from + LAST_TURN_MS);
    this.#turns.set(owner, turn);
    return turn;
  }

  #of(owner: string): Budget {
    const known = this.#known.get(owner);
    if (known !== undefined) {
      return known;
    }
    const row = this.#sql.one<{ blocked_until: number }>(
      "SELECT blocked_until FROM budgets WHERE owner = ?",
      owner,
    );
    return newBudget(this.#startedAt, row?.blocked_until ?? 0);
  }
}
