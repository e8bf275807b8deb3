import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Event } from "../../../src/project/shapes.ts";
import { toBase64url, utf8 } from "../../../src/security/encoding.ts";
import { Edge, leave } from "../api/edge.ts";
import { Visit, words, type Page } from "./visit.ts";

let edge: Edge;
let visit: Visit;
let path: string;
beforeEach(async () => {
  edge = await Edge.create();
  visit = new Visit();
  await visit.signIn(edge.token);
  path = `/projects/${edge.world.name}`;
});
afterEach(leave);

const older = ({ text }: Page): string =>
  /href="(\?[^"]*cursor=[^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&") ?? "";

/** Project and number of each event of a page. */
const rows = ({ text }: Page): string[] =>
  [
    ...text.matchAll(
      /<td role="cell"[^>]*><a href="\/projects\/([^"]+)">[^<]+<\/a><\/td><td role="cell"[^>]*>(\d+)/g,
    ),
  ].map(([, project, number]) => `${project} ${number}`);

/** Events, some of one moment. */
async function lockOften(of: Edge, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    await of.world.stub().addLock({
      id: `lck_${of.world.now()}_${n}`,
      environment: null,
      holder: "somebody",
      reason: `Lock ${n}`,
      until: null,
    });
    of.world.pass(n % 3 === 0 ? 1 : 0);
  }
}

describe("the audit log", () => {
  it("goes on page by page through all projects, with every event once and in order", async () => {
    const other = await Edge.create();
    for (let round = 0; round < 4; round++) {
      await lockOften(edge, 40);
      await lockOften(other, 30);
    }
    // Other files' projects are there, too, some of them later: so it begins at this moment.
    const now = toBase64url(utf8(JSON.stringify(`${edge.world.now() + 1} 1 ~`)));
    const seen: string[] = [];
    let next = `?kind=project&cursor=${now}`;
    while (next !== "" && seen.filter(isOwn).length < 282) {
      const page = await visit.get(`/audit${next}`);
      next = older(page);
      expect([page.status, rows(page).length]).toEqual([
        200,
        next === "" ? expect.any(Number) : 100,
      ]);
      seen.push(...rows(page));
    }
    for (const { world } of [edge, other]) {
      const events: Event[] = await world.stub().events(0, 500);
      const own = seen.filter((row) => row.startsWith(`${world.name} `));
      expect(own).toEqual(events.map(({ sequence }) => `${world.name} ${sequence}`).toReversed());
    }

    function isOwn(row: string): boolean {
      return [edge, other].some(({ world }) => row.startsWith(`${world.name} `));
    }
  });

  it("goes on where it was, whatever happens meanwhile, and refuses a cursor that is none", async () => {
    await lockOften(edge, 120);
    const page = await visit.get("/audit?kind=project");
    const next = older(page);
    await lockOften(edge, 5);
    const second = await visit.get(`/audit${next}`);
    expect(rows(second)[0]).not.toBe(rows(page).at(-1));
    expect(rows(page)).not.toContain(rows(second)[0]);
    for (const cursor of ["x", btoa('"1 2"').replaceAll("=", ""), btoa("7")]) {
      expect([cursor, (await visit.get(`/audit?cursor=${cursor}`)).status]).toEqual([cursor, 400]);
    }
  });
});

describe("a project's events", () => {
  it("go on page by page, and are filtered by kind and by deploy", async () => {
    const { world } = edge;
    await world.ended((await world.push({ message: "One" })).deploy?.id ?? "");
    await world.ended((await world.push({ message: "Two" })).deploy?.id ?? "");
    await lockOften(edge, 120);
    const first = await visit.get(`${path}/events`);
    const second = await visit.get(`${path}/events${older(first)}`);
    expect(words(first.text)).toContain("Lock 119");
    expect(words(second.text)).toContain("Lock 19");
    expect(words(second.text)).not.toContain("Lock 20");
    expect(second.text).toContain(">project.registered<");
    const deploys = await visit.get(`${path}/events?kind=deploy`);
    expect(deploys.text).toContain(">deploy.succeeded<");
    expect(deploys.text).not.toContain(">project.locked<");
    const one = words((await visit.get(`${path}/events?deploy=1`)).text);
    expect([one.includes("#1"), one.includes("#2")]).toEqual([true, false]);
    for (const none of ["?deploy=99", "?kind=hook"]) {
      expect(words((await visit.get(`${path}/events${none}`)).text)).toContain(
        "Nothing like that has happened",
      );
    }
  });
});
