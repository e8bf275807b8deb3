import type { HeaderBlock, SectionBlock } from "@slack/types";
import type { APIEmbed, RESTPostAPIWebhookWithTokenJSONBody } from "discord-api-types/v10";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chatBody, type ChatKind } from "../../../src/notify/chat.ts";
import { summarize, type Summary } from "../../../src/notify/summary.ts";
import { exampleEvent } from "../../../src/project/examples.ts";
import { EventType, type Event } from "../../../src/project/shapes.ts";
import { deploy, event } from "./events.ts";

const LOCK = {
  id: "lck_1",
  environment: "production",
  holder: "Ada",
  reason: "the fair",
  until: "2026-11-25T12:00:00.000Z",
  created_at: "2026-11-24T05:00:00.000Z",
};
const ABOUT = { subscriber_id: "sub_1", url_host: "hooks.example.com" };

function told(type: EventType, data: Record<string, unknown> = { deploy: deploy() }): Summary {
  const summary = summarize(event(type, data));
  expect(summary).not.toBeNull();
  return summary as Summary;
}

function send<T>(kind: ChatKind, of: Event): T {
  const body = chatBody(kind, of);
  expect(body).not.toBeNull();
  return JSON.parse(body ?? "") as T;
}

interface Slack {
  text: string;
  blocks: (HeaderBlock | SectionBlock)[];
}
const slack = (of: Event): Slack => send<Slack>("slack", of);
const embedOf = (of: Event): APIEmbed =>
  send<RESTPostAPIWebhookWithTokenJSONBody>("discord", of).embeds?.[0] ?? {};

interface Run {
  text: string;
}
interface Element {
  type: string;
  items?: Element[];
  inlines?: Run[];
}
interface Card {
  body: Element[];
  actions: { type: string; title: string; url: string }[];
  fallbackText: string;
}
const card = (of: Event): Card =>
  send<{ attachments: { content: Card }[] }>("teams", of).attachments[0]?.content ?? {
    body: [],
    actions: [],
    fallbackText: "",
  };

describe("what is worth a message", () => {
  it("is how a deploy ended and what needs somebody, not each stage", () => {
    expect(EventType.options.filter((type) => summarize(exampleEvent(type)) !== null)).toEqual([
      "deploy.approval_requested",
      "deploy.succeeded",
      "deploy.failed",
      "deploy.recovered",
      "deploy.timed_out",
      "deploy.abandoned",
      "deploy.stray",
      "deploy.rolled_back",
      "deploy.health_failed",
      "project.locked",
      "project.unlocked",
      "project.quarantined",
      "hook.refused",
      "subscriber.failing",
      "subscriber.disabled",
      "subscriber.recovered",
      "test.ping",
    ]);
  });

  it("is told once: by the recovery, the rollback, the health check", () => {
    const silent: [EventType, Record<string, unknown>][] = [
      ["deploy.succeeded", { deploy: deploy(), recovered: true }],
      ["deploy.succeeded", { deploy: deploy({ kind: "rollback" }), recovered: false }],
      ["deploy.succeeded", { deploy: deploy({ environment: "preview" }), recovered: false }],
      ["deploy.recovered", { deploy: deploy({ kind: "rollback" }) }],
      ["deploy.failed", { deploy: deploy({ reason_code: "health_failed" }) }],
      ["deploy.abandoned", { deploy: deploy({ status: "timed_out" }) }],
    ];
    expect(silent.map(([type, data]) => chatBody("slack", event(type, data)))).toEqual(
      silent.map(() => null),
    );
    expect(told("deploy.abandoned", { deploy: deploy({ status: "canceled" }) }).title).toBe(
      "blog: c3f81aa was canceled while it ran, and may go live all the same",
    );
  });
});

describe("what a message says", () => {
  it("is who, what, where, how long, why, and what to do", () => {
    expect(told("deploy.failed")).toEqual({
      tone: "bad",
      title: "blog: c3f81aa failed in build",
      reason: "Failed in build.",
      facts: [
        { name: "Change", value: "Fix the cart" },
        { name: "Branch", value: "main" },
        { name: "Environment", value: "production" },
        { name: "Deploy", value: "#414, build" },
        { name: "By", value: "ines (github)" },
        { name: "Waited", value: "20\u00A0s" },
        { name: "Took", value: "2\u00A0min 8\u00A0s" },
      ],
      log: ["> astro build", "Cannot find module 'cart'"],
      advice: "What was live stays live. Fix what the log says and push, or retry.",
      links: [
        { label: "Open site", url: "https://blog.example.com/" },
        {
          label: "Open deploy",
          url: "https://signalbox.example.com/projects/blog/deploys/414",
        },
        {
          label: "Open at Cloudflare",
          url: `https://dash.cloudflare.com/0123456789abcdef0123456789abcdef/pages/view/blog/5c71df2d-fcce-4f5d-bb0d-bfa50e65a872`,
        },
      ],
      project: "blog",
      timestamp: "2026-11-24T05:32:28.000Z",
    });
  });

  it("names what has no commit by its number, and what has no message as such", () => {
    const bare = {
      commit_hash: null,
      commit_message: " \n",
      environment: "preview",
      branch: "cart",
    };
    const summary = told("deploy.failed", { deploy: deploy(bare) });
    expect(summary.title).toBe("blog: #414 failed in build in the preview of cart");
    expect(summary.facts[0]).toEqual({ name: "Change", value: "No message" });
  });

  it("says of a deploy from before links and waits were told what is known", () => {
    const old = deploy({ links: undefined, waited_ms: undefined, failure: undefined });
    const summary = told("deploy.failed", { deploy: old });
    expect(summary.links).toEqual([
      { label: "Open site", url: "https://5c71df2d.blog.pages.dev/" },
    ]);
    expect(summary.log).toEqual([]);
  });

  it("follows no link that is not http", () => {
    const links = { dashboard: "javascript:alert(1)", deployment: null, site: "ftp://a.example/" };
    expect(told("deploy.failed", { deploy: deploy({ links }) }).links).toEqual([]);
  });

  it.each([
    ["deploy.succeeded", { deploy: deploy(), recovered: false }, "c3f81aa is live"],
    ["deploy.recovered", { deploy: deploy() }, "c3f81aa is live; the deploy before it had failed"],
    ["deploy.timed_out", { deploy: deploy({ reason: "Timed out." }) }, "c3f81aa timed out"],
    [
      "deploy.health_failed",
      { deploy: deploy(), action: "It stays live." },
      "c3f81aa is live and failed its health check",
    ],
    [
      "deploy.rolled_back",
      { deploy: deploy({ kind: "rollback" }) },
      "Production is rolled back to c3f81aa",
    ],
    ["deploy.rolled_back", { deploy: deploy(), reason: "." }, "A deployment of c3f81aa was undone"],
    ["deploy.approval_requested", { deploy: deploy() }, "c3f81aa waits for approval"],
    ["project.locked", { lock: LOCK }, "production is locked"],
    ["project.unlocked", { lock: { ...LOCK, environment: null } }, "the project is unlocked"],
    [
      "project.quarantined",
      { key: "schedule/sch_1", strikes: 8 },
      "Signalbox gave up on schedule/sch_1",
    ],
    ["hook.refused", { source: "github", reason: "x" }, "a delivery was refused"],
    [
      "subscriber.failing",
      { ...ABOUT, failures: 5, given_up: null },
      "hooks.example.com can't be told of events",
    ],
    [
      "subscriber.failing",
      { ...ABOUT, failures: 5, given_up: { sequence: 3 } },
      "hooks.example.com was not told of an event",
    ],
    ["subscriber.disabled", ABOUT, "hooks.example.com is not told of events any more"],
    ["subscriber.recovered", ABOUT, "hooks.example.com is told of events again"],
  ] as const)("%s", (type, data, title) => {
    expect(told(type, data).title).toBe(`blog: ${title}`);
  });
});

const HOSTILE = [
  "@everyone <!channel> <!here> <@U024BE7LH> @here <@&123> <#C1>",
  "[text](javascript:alert(1)) <https://evil.example|Open site>",
  "`code` ```block``` *bold* _it_ ~no~ ||spoiler|| > quote # head",
  "<at>Ada</at> &lt;!channel&gt; {{DATE(2040-01-01T00:00:00Z)}} ${x}",
  "\u202Egnp.exe\u2066 \u200B\u0000\u001B[31m",
  "שלום עולם",
  "👨‍👩‍👧".repeat(2_000),
  `e${"\u0301".repeat(5_000)}`,
  "x".repeat(100_000),
  "`".repeat(20_000),
  "&<>".repeat(20_000),
  "",
  " \n\n ",
];
const text = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme", maxLength: 400 }),
);

/** An event that others have filled, wherever they can. */
const filled: fc.Arbitrary<Event> = fc.oneof(
  fc
    .record({
      type: fc.constantFrom<EventType>("deploy.failed", "deploy.recovered", "deploy.rolled_back"),
      actor: text,
      source: text,
      environment: fc.constantFrom("production" as const, "preview" as const),
      log: fc.array(text, { minLength: 1, maxLength: 20 }),
      link: fc.oneof(text, fc.webUrl({ withQueryParameters: true, withFragments: true })),
      fields: fc.record({
        commit_hash: text,
        commit_message: text,
        branch: text,
        reason: text,
      }),
    })
    .map(({ type, actor, source, environment, log, link, fields }) =>
      event(type, {
        reason: fields.reason,
        deploy: deploy({
          ...fields,
          environment,
          trigger: { id: "trg_1", kind: "hook", source, actor, delivery_id: null },
          failure: { stage: source, log },
          links: { site: link, dashboard: link, deployment: link },
        }),
      }),
    ),
  fc
    .record({ holder: text, reason: text, by: text })
    .map(({ by, ...lock }) =>
      event("project.unlocked", { lock: { ...LOCK, ...lock }, by, reason: "released" }),
    ),
  fc
    .record({ source: text, hook_id: text, reason: text })
    .map((data) => event("hook.refused", data)),
);

/** What nobody sees; line ends are ours, and so are the two that set right-to-left text apart. */
const UNSEEN = /(?!\n)\p{Cc}|[\u200B\u202A-\u202E\u2066\u2067\uFEFF]/u;

describe("whatever others wrote", () => {
  it("Slack's limits hold and no markup of theirs counts", () => {
    fc.assert(
      fc.property(filled, (of) => {
        const { text: fallback, blocks } = slack(of);
        const texts = blocks.flatMap((block) => [
          ...("text" in block && block.text !== undefined ? [block.text] : []),
          ...("fields" in block ? (block.fields ?? []) : []),
        ]);
        expect(blocks.length).toBeLessThanOrEqual(50);
        expect(blocks[0]?.text?.text.length).toBeLessThanOrEqual(150);
        expect(fallback).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
        for (const { type, text } of texts) {
          expect(text.length).toBeGreaterThan(0);
          expect(text.length).toBeLessThanOrEqual(type === "mrkdwn" ? 3_000 : 2_000);
          expect(text.isWellFormed()).toBe(true);
          expect(text).not.toMatch(UNSEEN);
        }
        const plain = texts.filter(({ type }) => type === "plain_text");
        expect(plain.filter(({ text }) => /[<>]|&(?!amp;|lt;|gt;)/.test(text))).toEqual([]);
        const markup = texts.filter(({ type }) => type === "mrkdwn").map(({ text }) => text);
        const links = /^(?:<https?:[^\s|<>]+\|Open [a-zA-Z ]+>(?: · |$))+$/;
        const code = /^```\n[^<>`]*\n```$/;
        expect(markup.filter((text) => !links.test(text) && !code.test(text))).toEqual([]);
      }),
    );
  });

  it("Discord's limits hold and no markup of theirs counts", () => {
    fc.assert(
      fc.property(filled, (of) => {
        const { allowed_mentions } = send<RESTPostAPIWebhookWithTokenJSONBody>("discord", of);
        expect(allowed_mentions).toEqual({ parse: [] });
        const { title = "", description = "", fields = [], footer } = embedOf(of);
        expect(title.length).toBeLessThanOrEqual(256);
        expect(description.length).toBeLessThanOrEqual(4_096);
        expect(fields.length).toBeLessThanOrEqual(25);
        for (const { name, value } of fields) {
          expect(name.length).toBeLessThanOrEqual(256);
          expect(value.length).toBeGreaterThan(0);
          expect(value.length).toBeLessThanOrEqual(1_024);
        }
        const values = fields.map(({ value }) => value);
        const all = [title, description, footer?.text ?? "", ...values];
        const names = fields.map(({ name }) => name).join("");
        expect(all.join("").length + names.length).toBeLessThanOrEqual(6_000);
        for (const text of all) {
          expect(text.isWellFormed()).toBe(true);
          expect(text).not.toMatch(UNSEEN);
        }
        const ours = description
          .replace(/```\n[^`]*\n```/, "")
          .replace(/\[Open [a-zA-Z ]+\]\(https?:[^\s()<>|]+\)/g, "");
        const loose = [title, ours, ...values].map((text) => text.replace(/\\[^a-zA-Z0-9\s]/g, ""));
        expect(loose.filter((text) => /[\\*_~|`>#[\]()<@:]/.test(text))).toEqual([]);
      }),
    );
  });

  it("Teams' limit holds and all text stands where no markup counts", () => {
    fc.assert(
      fc.property(filled, (of) => {
        const body = chatBody("teams", of) ?? "";
        expect(new TextEncoder().encode(body).length).toBeLessThan(20_000);
        const { body: parts, actions } = card(of);
        const flat = parts.flatMap((part) => [part, ...(part.items ?? [])]);
        expect(new Set(flat.map(({ type }) => type))).toEqual(
          new Set(["Container", "RichTextBlock"]),
        );
        for (const { text } of flat.flatMap(({ inlines }) => inlines ?? [])) {
          expect(text.isWellFormed()).toBe(true);
          expect(text).not.toMatch(UNSEEN);
        }
        expect(actions.filter(({ url }) => !/^https?:\/\//.test(url))).toEqual([]);
      }),
    );
  });
});
