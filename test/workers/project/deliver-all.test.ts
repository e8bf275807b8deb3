import { afterEach, describe, expect, it, vi } from "vitest";

import type { DeliveryRow } from "../../../src/project/deliveries.ts";
import { emit } from "../../../src/project/events.ts";
import { exampleOf } from "../../../src/project/examples.ts";
import type { Event } from "../../../src/project/shapes.ts";
import type { Subscriber } from "../../../src/project/subscribers.ts";
import { SUBSCRIBERS } from "../../../src/project/told.ts";
import type { Receiver } from "../support/outside.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const HOUR = 3_600_000;
const COUNT = 50;
const EVENTS = 40;
/** The event that some receivers never take. */
const POISON = 12;

/** The same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

interface Tried {
  readonly sequence: number;
  readonly attempt: number;
  readonly taken: boolean;
}

/** What the receivers of one world do and have seen, by host. */
class Receivers {
  readonly tried = new Map<string, Tried[]>();
  readonly #world: World;
  readonly #random = seeded(7);

  constructor(world: World) {
    this.#world = world;
  }

  /** Takes seven of ten, after a while or at once, and the poisonous event never. */
  moody(host: string, ms = 0, poison = -1): Receiver {
    return this.#noting(host, (event) => {
      this.#world.pass(ms);
      const refused = this.#random() < 0.3 || event.data["reason"] === String(poison);
      return new Response(null, { status: refused ? 500 : 200 });
    });
  }

  always(host: string, answer: () => Response): Receiver {
    return this.#noting(host, answer);
  }

  #noting(host: string, answer: (event: Event) => Response): Receiver {
    const tried: Tried[] = [];
    this.tried.set(host, tried);
    return async (request) => {
      const event = await request.json<Event>();
      const attempt = Number(request.headers.get("signalbox-attempt"));
      let taken = false;
      try {
        const response = answer(event);
        taken = response.ok;
        return response;
      } finally {
        tried.push({ sequence: event.sequence, attempt, taken });
      }
    };
  }
}

const blackHole = (world: World) => (): Response => {
  world.pass(15_000);
  throw new DOMException("The operation timed out.", "TimeoutError");
};

describe("40 events for 50 subscribers, some of them bad ones", () => {
  it("are each delivered to each, or given up aloud; in order where that was asked for; none is passed over", async () => {
    const world = await World.create();
    const receivers = new Receivers(world);
    const kinds: Record<string, (host: string) => Receiver> = {
      "hole-1.example": (host) => receivers.always(host, blackHole(world)),
      "hole-2.example": (host) => receivers.always(host, blackHole(world)),
      "slow.example": (host) => receivers.moody(host, 14_000),
      "elsewhere.example": (host) =>
        receivers.always(host, () => Response.redirect("https://trap.example/")),
      "gone.example": (host) => receivers.always(host, () => new Response(null, { status: 410 })),
      "ordered-1.example": (host) => receivers.moody(host),
      "ordered-2.example": (host) => receivers.moody(host, 0, POISON),
      "poisoned.example": (host) => receivers.moody(host, 0, POISON),
    };
    while (Object.keys(kinds).length < COUNT) {
      kinds[`moody-${Object.keys(kinds).length}.example`] = (host) => receivers.moody(host);
    }
    let trapped = 0;
    world.receivers.set("trap.example", () => {
      trapped += 1;
      return new Response(null);
    });
    const hosts = new Map<string, string>();
    for (const [host, receiver] of Object.entries(kinds)) {
      const ordered = host.startsWith("ordered");
      // One of them hears how the others fare; if all did, this would take three times as long.
      const events = host === "poisoned.example" ? ["*"] : ["hook.refused"];
      hosts.set(await world.subscribe(host, receiver(host), { ordered, events }), host);
    }
    const before = (await world.events()).at(-1)?.sequence ?? 0;
    await world.inside(({ context }) =>
      context.change(() => {
        Array.from({ length: EVENTS }, (_, n) =>
          emit(context, "hook.refused", { ...exampleOf("hook.refused"), reason: String(n) }),
        );
      }),
    );
    // The whole schedule of what comes last, with the hours of probes between.
    await world.run(9 * 24 * HOUR);

    const events = (await world.events()).filter(({ sequence }) => sequence > before);
    const rows = await world.inside(({ context: { sql } }) => ({
      subscribers: sql.all<Subscriber>(`SELECT * FROM ${SUBSCRIBERS}`),
      deliveries: sql.all<DeliveryRow>("SELECT * FROM deliveries"),
    }));
    const evented = (type: string, id: string): Event[] =>
      events.filter((event) => event.type === type && event.data["subscriber_id"] === id);

    const disabled = rows.subscribers.filter(({ state }) => state === "disabled");
    expect(disabled.map(({ id }) => hosts.get(id) ?? "").toSorted()).toEqual([
      "elsewhere.example",
      "gone.example",
      "hole-1.example",
      "hole-2.example",
    ]);
    for (const { id } of disabled) {
      expect(evented("subscriber.disabled", id)).toHaveLength(1);
    }
    expect(trapped).toBe(0);

    let exhausted = 0;
    for (const { id, told, events: patterns } of rows.subscribers.filter(
      ({ state }) => state === "active",
    )) {
      const host = hosts.get(id) ?? "";
      const tried = receivers.tried.get(host) ?? [];
      const wanted = events
        .filter((e) =>
          patterns !== '["*"]' ? e.type === "hook.refused" : e.data["subscriber_id"] !== id,
        )
        .map(({ sequence }) => sequence);
      expect(told, `how far ${host} was told`).toBe(events.at(-1)?.sequence);
      // First attempts in sequence, without a gap.
      const first = tried.filter(({ attempt }) => attempt === 1).map(({ sequence }) => sequence);
      expect(first, `first attempts at ${host}`).toEqual(wanted);

      const taken = new Set(tried.filter((t) => t.taken).map(({ sequence }) => sequence));
      const given = evented("subscriber.failing", id).flatMap(
        ({ data }) => (data["given_up"] as { sequence: number } | null)?.sequence ?? [],
      );
      expect(new Set(given).size).toBe(given.length);
      expect(
        [...taken, ...given].toSorted((a, b) => a - b),
        `what became of it at ${host}`,
      ).toEqual(wanted);
      const states = rows.deliveries.filter((delivery) => delivery.subscriber_id === id);
      expect(states.filter(({ state }) => state === "exhausted")).toHaveLength(given.length);
      expect(states.filter(({ state }) => state === "delivered")).toHaveLength(taken.size);
      exhausted += given.length;
    }
    expect(exhausted).toBeGreaterThanOrEqual(2);
    for (const host of ["ordered-1.example", "ordered-2.example"]) {
      const order = receivers.tried.get(host)?.map(({ sequence }) => sequence) ?? [];
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
    expect(await world.inside((p) => p.context.slots.peak)).toBeLessThanOrEqual(3);
  }, 120_000);
});
