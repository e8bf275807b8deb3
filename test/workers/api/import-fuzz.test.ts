import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";

import { modelRuns } from "../../support/runs.ts";
import { HOSTILE_TEXTS, spoiled } from "../../support/fuzz/spoil.ts";
import { Visit } from "../dashboard/visit.ts";
import { dump } from "../support/earlier.ts";
import { Edge, leave } from "./edge.ts";
import { anew, exported, imports, lived, type Line, linesIn } from "./exported.ts";

/** An export in which something is wrong: it is refused and nothing was written, or what came of it can be read like any project. */

let edge: Edge;
let lines: readonly string[];
beforeAll(async () => {
  edge = await Edge.create();
  await lived(edge);
  lines = (await exported(edge)).trimEnd().split("\n");
  await anew(edge);
});
afterAll(leave);

const LARGEST = 1_500_000;

/** A body, which prints as what is wrong with it. */
interface Drawn {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly [fc.toStringMethod]: () => string;
}
const drawn = (what: string, body: Drawn["body"]): Drawn => ({
  body,
  [fc.toStringMethod]: () => what.slice(0, 2_000),
});

/** One line is another one, and the count at the end is right all the same. */
const line = fc.nat().chain((n) => {
  const at = n % lines.length;
  const text = lines[at] ?? "";
  const { kind, data } = JSON.parse(text) as Line;
  return fc
    .oneof(
      { weight: 8, arbitrary: spoiled({ kind, data }) },
      { weight: 16, arbitrary: spoiled(data).map((d) => `{"kind":"${kind}","data":${d}}`) },
      { weight: 1, arbitrary: fc.constant(text.padEnd(LARGEST)) },
      { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
    )
    .map((other) => drawn(`line ${at + 1}: ${other}`, lines.with(at, other).join("\n")));
});

/** A line is missing, there twice, or at another place, and the count at the end says so. */
const order = fc
  .tuple(fc.nat(), fc.nat(), fc.constantFrom(0, 1, 2))
  .map(([from, to, times]): Drawn => {
    const rest = lines.slice(1, -1);
    const [taken = ""] = rest.splice(from % rest.length, 1);
    const rows = rest.toSpliced(to % rest.length, 0, ...Array<string>(times).fill(taken));
    const end = `{"kind":"end","data":{"lines":${rows.length}}}\n`;
    return drawn(`${times} times: ${taken}`, [lines[0], ...rows, end].join("\n"));
  });

const whole = (): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(new TextEncoder().encode(lines.join("\n")));
const byte = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })).map(([n, other]) => {
  const made = whole();
  made[n % made.length] = other;
  return drawn(`byte ${n % made.length} is ${other}`, made);
});
const cut = fc.nat().map((n) => {
  const made = whole();
  return drawn(`cut at ${n % made.length}`, made.slice(0, n % made.length));
});

const bodies = fc.oneof(
  { weight: 6, arbitrary: line },
  { weight: 3, arbitrary: order },
  { weight: 1, arbitrary: byte },
  { weight: 1, arbitrary: cut },
);

/** All that is stored. */
const stored = (): Promise<string> =>
  edge.world.inside((_, { storage }) => JSON.stringify(dump(storage).tables));

it("is refused with nothing written, or can be read", { timeout: 600_000 }, async () => {
  const statuses = new Map<number, number>();
  let before = await stored();
  await fc.assert(
    fc.asyncProperty(bodies, async ({ body }) => {
      edge.world.pass(1_000);
      const { status, text } = await imports(edge, body);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 200) {
        try {
          await expectReadable();
        } finally {
          await anew(edge);
          before = await stored();
        }
        return;
      }
      expect(text).toMatch(/"status":422,"detail":"Line \d+: /);
      expect(await stored()).toBe(before);
    }),
    modelRuns("an import", 80),
  );
  // Harmless changes are among them, such as a kind's line that is left out.
  expect(new Set(statuses.keys())).toEqual(new Set([200, 422]));
});

async function expectReadable(): Promise<void> {
  const visit = new Visit();
  await visit.signIn(edge.token);
  const pages = ["", "/events", "/hooks", "/subscribers", "/schedules", "/policy", "/numbers"];
  const deploys = (await edge.on("GET", "/deploys")).body.items as { number: number }[];
  for (const path of [...pages, ...deploys.map(({ number }) => `/deploys/${number}`)]) {
    const { status } = await visit.get(`/projects/${edge.world.name}${path}`);
    expect([path, status]).toEqual([path, 200]);
  }
  for (const path of ["", "/events", "/hooks", "/subscribers", "/schedules", "/trust", "/export"]) {
    expect([path, (await edge.on("GET", path)).status]).toEqual([path, 200]);
  }
  // And exported, it is an export.
  const again = linesIn(await exported(edge));
  expect(again.at(-1)?.kind).toBe("end");
  const made = await edge.on("POST", "/deploys", { json: { branch: "main" } });
  expect(made.status).toBe(202);
}
