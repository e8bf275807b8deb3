import type { Event } from "../../../../src/project/shapes.ts";
import { SUBSCRIBERS } from "../../../../src/project/told.ts";
import type { World } from "../world.ts";

/** How a receiver may be. */
export const MOODS = ["good", "flaky", "slow", "silent", "dead", "limited", "gone"] as const;
export type Mood = (typeof MOODS)[number];

const TIMEOUT_MS = 15_000;

interface Tried {
  readonly sequence: number;
  readonly id: string;
  readonly taken: boolean;
}

/** A subscriber of one project and what it was told, as it knows it itself. */
export class Hearing {
  readonly world: World;
  readonly host: string;
  mood: Mood = "good";
  secret = "";
  /** The newest event when it subscribed. */
  #since = 0;
  #id = "";
  readonly #tried: Tried[] = [];

  private constructor(world: World, host: string) {
    this.world = world;
    this.host = host;
  }

  static async begin(world: World, host: string, ordered: boolean): Promise<Hearing> {
    const hearing = new Hearing(world, host);
    hearing.#since = await world.stub().sequence();
    hearing.#id = await world.subscribe(host, (request) => hearing.#hear(request), { ordered });
    hearing.secret = await world.secretOf(hearing.#id);
    return hearing;
  }

  async change(state: "active" | "paused"): Promise<void> {
    await this.world.retrying(() => this.world.stub().changeSubscriber(this.#id, { state }));
  }

  /** Whatever failed so far is tried again. */
  async recover(): Promise<void> {
    await this.change("active");
    await this.world.retrying(() => this.world.stub().recoverSubscriber(this.#id, 0));
  }

  /** Whether it has been told all that there is to tell. */
  async isOver(): Promise<boolean> {
    return this.world.retrying(() =>
      this.world.inside(
        ({ context: { sql } }) =>
          sql.one(
            `SELECT 1 AS x FROM ${SUBSCRIBERS} WHERE id = ?1 AND (told < (SELECT MAX(sequence) FROM events)
               OR EXISTS (SELECT 1 FROM deliveries WHERE subscriber_id = ?1 AND due_at IS NOT NULL))`,
            this.#id,
          ) === null,
      ),
    );
  }

  /** Invariant 6: the first attempts go out in sequence without a gap, and an event keeps its id. */
  judge(events: readonly Event[]): string[] {
    const wanted = this.#wanted(events);
    const first = [...new Set(this.#tried.map(({ sequence }) => sequence))];
    const gap = first.findIndex((sequence, at) => sequence !== wanted[at]?.sequence);
    const ids = new Map(events.map(({ sequence, id }) => [sequence, id]));
    const other = this.#tried.find(({ sequence, id }) => ids.get(sequence) !== id);
    return [
      ...(gap === -1
        ? []
        : [`${this.host} was first told ${first[gap]} where ${wanted[gap]?.sequence} is next`]),
      ...(other === undefined ? [] : [`${this.host} was told ${other.sequence} as ${other.id}`]),
    ].map((text) => `invariant 6, told: ${text}`);
  }

  /** Invariant 6: everything was taken, or given up aloud. */
  judgeEnd(events: readonly Event[]): string[] {
    const taken = new Set(this.#tried.filter((t) => t.taken).map(({ sequence }) => sequence));
    const given = new Set(
      events
        .filter(({ type, data }) => type === "subscriber.failing" && this.#isAbout(data))
        .map(({ data }) => (data["given_up"] as { sequence: number } | null)?.sequence),
    );
    return this.#wanted(events)
      .filter(({ sequence }) => !taken.has(sequence) && !given.has(sequence))
      .map(
        ({ sequence, type }) => `invariant 6, told: ${this.host} never took ${sequence}, ${type}`,
      );
  }

  #wanted(events: readonly Event[]): Event[] {
    return events.filter(
      ({ type, sequence, data }) =>
        sequence > this.#since && !(type.startsWith("subscriber.") && this.#isAbout(data)),
    );
  }

  #isAbout(data: Event["data"]): boolean {
    return data["subscriber_id"] === this.#id;
  }

  async #hear(request: Request): Promise<Response> {
    const { sequence } = await request.json<Event>();
    const id = request.headers.get("webhook-id") ?? "";
    const taken = this.#takes();
    this.#tried.push({ sequence, id, taken });
    switch (this.mood) {
      case "dead":
        throw new TypeError("connection refused");
      case "silent":
        await this.world.wait(TIMEOUT_MS);
        throw new DOMException("The operation timed out.", "TimeoutError");
      case "slow":
        await this.world.wait(TIMEOUT_MS - 6_000);
        break;
      default:
    }
    const status = taken ? 200 : ({ limited: 429, gone: 410 }[this.mood as string] ?? 500);
    const headers = { "retry-after": "60" };
    // What it knows, it says: none of it may be kept.
    return new Response(`you sent ${this.secret}`, { status, headers });
  }

  #takes(): boolean {
    const mayBe = this.mood === "flaky" && (this.world.turns?.draw() ?? 0) < 0.5;
    return mayBe || this.mood === "good" || this.mood === "slow";
  }
}
