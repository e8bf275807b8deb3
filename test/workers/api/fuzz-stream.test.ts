import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";

import type { Event } from "../../../src/project/shapes.ts";
import { hostileText } from "../../support/fuzz/spoil.ts";
import { modelRuns } from "../../support/runs.ts";
import { Edge, expectProblem, leave } from "./edge.ts";

let edge: Edge;
let deploy: string;
let events: readonly Event[];
beforeAll(async () => {
  edge = await Edge.create();
  deploy = (await edge.world.push()).deploy?.id ?? "";
  await edge.world.ended(deploy);
  const { body } = await edge.on("GET", `/events?deploy=${deploy}`);
  events = (body as { items: Event[] }).items;
});
afterAll(leave);

const canBeHeader = (text: string): boolean =>
  /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text) && text.length < 8_000;

it("a stream goes on after the event that Last-Event-ID names, whatever stands there, or is refused", async () => {
  const places = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -3, max: 30 }).map(String) },
    {
      weight: 2,
      arbitrary: fc.constantFrom("", " 3 ", "+3", "03", "3.0", "3.5", "3e0", "0x3", "1e400", "٣"),
    },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String) },
    { weight: 2, arbitrary: hostileText },
  );
  const property = fc.asyncProperty(places.filter(canBeHeader), async (id) => {
    const headers = { accept: "text/event-stream", "last-event-id": id };
    const got = await edge.on("GET", `/events?deploy=${deploy}`, { headers });
    const said = new Headers(headers).get("last-event-id") ?? "";
    if (got.status !== 200) {
      expectProblem(got, 400, "header_invalid");
      // What is a sequence number is never refused.
      expect(/^\d{1,15}$/.test(said)).toBe(false);
      return;
    }
    const place = Number(said);
    expect([said, Number.isSafeInteger(place) && place >= 0]).toEqual([said, true]);
    const sent = [...got.text.matchAll(/^id: (\d+)$/gm)].map(([, sequence]) => Number(sequence));
    expect(sent).toEqual(events.map(({ sequence }) => sequence).filter((each) => each > place));
    expect(got.text).toMatch(/event: end\n.*\n\n$/);
  });
  await fc.assert(property, modelRuns("places in a stream", 200));
  expect(events.length).toBeGreaterThan(3);
}, 600_000);
