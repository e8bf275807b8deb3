import { describe, expect, it } from "vitest";

import { questionOf } from "../../../src/dashboard/model/confirm.ts";
import { historyOf } from "../../../src/dashboard/model/history.ts";
import { stagesOf } from "../../../src/dashboard/model/stages.ts";
import { trailOf } from "../../../src/dashboard/model/trail.ts";
import type { Story } from "../../../src/project/overview.ts";
import type { Event } from "../../../src/project/shapes.ts";
import { at, CLOCK, deploy, NOW, overview, running, said, USUAL, waiting } from "./data.ts";

const superseded = (number: number): ReturnType<typeof deploy> =>
  deploy({
    number,
    status: "superseded",
    started_at: null,
    reason: "Superseded by #9: a newer push to main.",
  });

describe("the history", () => {
  it("groups by the reader's day, and keeps the newest two of a burst", () => {
    const yesterday = deploy({ number: 1, ended_at: at(86_400) });
    const all = [5, 4, 3, 2].map(superseded);
    const days = historyOf([...all, yesterday], [USUAL], null, CLOCK);
    expect(days.map(({ head }) => head.replaceAll("\u00A0", " "))).toEqual([
      "Today",
      "Yesterday, Mon 23 Nov",
    ]);
    expect(days[0]?.entries).toMatchObject([
      { deploy: { number: 5 } },
      { deploy: { number: 4 } },
      { more: [{ deploy: { number: 3 } }, { deploy: { number: 2 } }] },
    ]);
  });

  it("has a reason in place of the bar of what never ran", () => {
    expect(historyOf([superseded(5)], [USUAL], null, CLOCK)[0]?.entries).toMatchObject([
      { quiet: true, bar: null, took: null },
    ]);
  });

  it("has all bars on one scale, cuts what is too long, and marks what failed", () => {
    const long = deploy({
      status: "timed_out",
      started_at: at(2_000),
      ended_at: at(800),
      stages: [{ name: "build", status: "active", started_on: at(1_990), ended_on: null }],
    });
    const live = deploy({ number: 2, started_at: at(228), ended_at: at(100) });
    const [day] = historyOf([long, live], [USUAL], live, CLOCK);
    expect(day?.entries).toMatchObject([
      { bar: { clipped: true, segments: [{ failed: false }, { name: "build", failed: true }] } },
      { live: true, bar: { clipped: false, end: 62.5, usual: 62.5 } },
    ]);
  });

  it("leaves out what has not ended", () => {
    expect(historyOf([running()], [USUAL], null, CLOCK)).toEqual([]);
  });
});

describe("the stages of one deploy", () => {
  it("says what took longer only when it is much longer", () => {
    const ended = deploy({
      stages: [
        { name: "build", status: "failure", started_on: at(500), ended_on: at(398) },
        { name: "deploy", status: "idle", started_on: null, ended_on: null },
      ],
    });
    const usual = {
      ...USUAL,
      stages: [
        { name: "build", ms: 71_000 },
        { name: "deploy", ms: 18_000 },
      ],
    };
    const plainly = (text: string | null | undefined): string | undefined =>
      text?.replaceAll("\u00A0", " ");
    const { rows } = stagesOf(ended, usual, NOW);
    expect(
      rows.map(({ took, usually, longer, failed }) => [
        plainly(took),
        plainly(usually),
        plainly(longer),
        failed,
      ]),
    ).toEqual([
      ["1 m 42 s", "1 m 11 s", "+31 s", true],
      [undefined, "18 s", undefined, false],
    ]);
  });

  it("goes on with what runs, and takes words that it does not know", () => {
    const odd = running({
      stages: [{ name: "polish", status: "shining", started_on: at(10), ended_on: null }],
    });
    expect(stagesOf(odd, null, NOW).rows).toMatchObject([
      { running: true, usual: null, mark: { icon: "ring", word: "polish" } },
    ]);
  });
});

const story = (change: Partial<Story>): Story => ({
  ...overview(),
  deploy: deploy({ number: 398 }),
  events: [],
  joined: [],
  others: {},
  told: [],
  ...change,
});

describe("how a deploy got where it is", () => {
  it("holds waits, what joined, and the end, in order", () => {
    const event = (type: Event["type"], ago: number, data: object): Event =>
      ({
        id: `evt_${ago}`,
        type,
        timestamp: at(ago),
        project: "storefront",
        sequence: 1_000 - ago,
        data: { ...data },
      }) as Event;
    const held = waiting({
      number: 398,
      reason: "Waits for the quiet period, until 13:31:40 UTC.",
      waiting: { for: "quiet_period", until: null },
    });
    const ended = deploy({ number: 398, status: "failed", reason: "Failed in build." });
    const of = story({
      events: [
        event("deploy.queued", 90, { deploy: held }),
        event("deploy.started", 60, { deploy: deploy({ created_at: at(90) }) }),
        event("deploy.stage", 50, { deploy: ended }),
        event("deploy.failed", 40, { deploy: ended }),
      ],
      joined: [{ source: "github", at: at(80) }],
    });
    expect(trailOf(of, "storefront", CLOCK).map(({ way, text }) => [way, said(text)])).toEqual([
      [
        "held",
        "Asked for by push by Jonas Weber. Number 398 given. Waits for the quiet period, until 14:31:40.",
      ],
      ["plain", "A newer trigger joined it: github."],
      ["plain", "Started, after 30 s in line."],
      ["plain", "Failed in build."],
    ]);
  });
});

describe("the question before a rollback", () => {
  it("says what is live, what will be, and what happens to the others", () => {
    const of = story({
      project: overview({ running: [running()], waiting: [waiting({ number: 416 })] }).project,
    });
    const { title, facts, button, keep } = questionOf("rollback", of);
    expect([title, button, keep]).toEqual([
      "Roll back production to #398?",
      "Roll back and lock",
      "Keep #407",
    ]);
    expect(facts.map(([name, text]) => [name, said(text)])).toEqual([
      ["Live now", "4be07a2 Explain delivery times"],
      ["Then", "4be07a2 Explain delivery times, at storefront.example.com"],
      ["Running", "#414 is not stopped. If it goes live, the rollback is applied again."],
      ["Waiting", "#416 ends as superseded."],
      ["Locked", "Production, until someone unlocks it. Newer deploys wait."],
    ]);
  });
});
