import { Ajv } from "ajv";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { exampleEvent } from "../../../../src/project/examples.ts";
import { commentOf, markOf } from "../../../../src/notify/git/comment.ts";
import { GIT_HOSTS, type GitKind } from "../../../../src/notify/git/hosts.ts";
import { Token } from "../../../../src/notify/git/settings.ts";
import { NOTHING, toldAt, type Told } from "../../../../src/notify/git/status.ts";
import { joined } from "../../../../src/notify/text.ts";
import { operationOf } from "./fake-github.ts";
import {
  deploy,
  event,
  LIVE,
  only,
  SHA,
  STARTED,
  stages,
  tellEvent,
  type Seen,
} from "./support.ts";

/** What the hosts' documentation says of a status: the fields, and what they take. */
const text = (maxLength = 1_000_000): object => ({ type: "string", minLength: 1, maxLength });
const documented = (required: string[], properties: object): object => ({
  type: "object",
  required,
  properties,
  additionalProperties: false,
});
const one = (...options: string[]): object => ({ enum: options });
const HOSTS: Record<Exclude<GitKind, "github">, { url: string; body: object; settings: object }> = {
  gitlab: {
    settings: { repository: "acme/web/blog" },
    url: `https://gitlab.com/api/v4/projects/acme%2Fweb%2Fblog/statuses/${SHA}`,
    body: documented(["state"], {
      state: one("pending", "running", "success", "failed", "canceled"),
      ref: text(),
      name: text(255),
      description: text(255),
      target_url: text(255),
    }),
  },
  bitbucket: {
    settings: { repository: "acme/blog" },
    url: `https://api.bitbucket.org/2.0/repositories/acme/blog/commit/${SHA}/statuses/build`,
    body: documented(["key", "state", "url"], {
      key: text(40),
      state: one("SUCCESSFUL", "FAILED", "INPROGRESS", "STOPPED"),
      name: text(255),
      description: text(255),
      refname: text(),
      url: text(),
    }),
  },
  gitea: {
    settings: { repository: "acme/blog", api_url: "https://codeberg.org/api/v1/" },
    url: `https://codeberg.org/api/v1/repos/acme/blog/statuses/${SHA}`,
    body: documented(["state"], {
      state: one("pending", "success", "error", "failure", "warning"),
      context: text(),
      description: text(255),
      target_url: text(),
    }),
  },
};
const KINDS = Object.keys(HOSTS) as (keyof typeof HOSTS)[];
const ajv = new Ajv();

function requestOf(kind: keyof typeof HOSTS, of: Seen, type: string) {
  const host = GIT_HOSTS[kind];
  const request = only(
    host,
    host.settings.parse(HOSTS[kind].settings),
    event(type as "deploy.stage", of),
  );
  expect(request).toMatchObject({ method: "POST", url: HOSTS[kind].url });
  ajv.validate(HOSTS[kind].body, request.body);
  expect(ajv.errors).toBeNull();
  return request.body;
}

const why = { reason: "It says why." };
const EVENTS: [type: string, of: Partial<Seen>, states: [string, string, string]][] = [
  ["deploy.queued", {}, ["pending", "INPROGRESS", "pending"]],
  ["deploy.held", why, ["pending", "INPROGRESS", "pending"]],
  ["deploy.released", {}, ["pending", "INPROGRESS", "pending"]],
  ["deploy.approval_requested", why, ["pending", "INPROGRESS", "pending"]],
  ["deploy.started", { ...STARTED, status: "submitting" }, ["running", "INPROGRESS", "pending"]],
  ["deploy.stage", { ...STARTED, stages: stages("build") }, ["running", "INPROGRESS", "pending"]],
  ["deploy.stage", { ...STARTED, status: "verifying" }, ["running", "INPROGRESS", "pending"]],
  ["deploy.succeeded", LIVE, ["success", "SUCCESSFUL", "success"]],
  ["deploy.failed", { ...why, status: "failed" }, ["failed", "FAILED", "failure"]],
  ["deploy.health_failed", { ...why, status: "failed" }, ["failed", "FAILED", "failure"]],
  ["deploy.timed_out", { ...why, status: "timed_out" }, ["failed", "FAILED", "failure"]],
  ["deploy.canceled", { ...why, status: "canceled" }, ["canceled", "STOPPED", "error"]],
  ["deploy.superseded", { ...why, status: "superseded" }, ["canceled", "STOPPED", "warning"]],
  ["deploy.skipped", { ...why, status: "skipped" }, ["success", "SUCCESSFUL", "success"]],
];

it.each(EVENTS)("%s is the state of each host", (type, of, states) => {
  const told = KINDS.map((kind) => requestOf(kind, deploy(of), type)?.["state"]);
  expect(told).toEqual(states);
});

it("tells nothing of other events, and of commits that it does not know in full", () => {
  const silent = [
    event("deploy.reconciling", deploy(STARTED)),
    event("deploy.verified", deploy(LIVE)),
    event("deploy.rolled_back", deploy(LIVE)),
    event("deploy.abandoned", deploy(LIVE)),
    event("deploy.queued", deploy({ commit_hash: null })),
    event("deploy.queued", deploy({ commit_hash: "" })),
    event("deploy.queued", deploy({ commit_hash: SHA.slice(0, 12) })),
    exampleEvent("test.ping"),
  ];
  for (const kind of [...KINDS, "github"] as const) {
    const settings = { repository: "acme/blog", api_url: "https://git.example.com" };
    expect(silent.map((each) => GIT_HOSTS[kind].next(settings, each, NOTHING))).toEqual(
      silent.map(() => null),
    );
  }
});

it("can be told twice, and tells a host no news that is none", () => {
  const started = event("deploy.started", deploy(STARTED));
  const building = event("deploy.stage", deploy({ ...STARTED, stages: stages("build") }));
  const calls = KINDS.map((kind) => {
    const host = GIT_HOSTS[kind];
    const settings = host.settings.parse(HOSTS[kind].settings);
    let lost = true;
    const bodies: unknown[] = [];
    const ask = ({ body }: { body: unknown }) => {
      bodies.push(body);
      const reply = lost ? null : { status: 201, body: {} };
      lost = false;
      return reply;
    };
    const memory = tellEvent(host, settings, started, ask);
    const again = tellEvent(host, settings, started, ask, memory);
    tellEvent(host, settings, building, ask, again);
    expect(bodies[0]).toEqual(bodies[1]);
    return bodies.length;
  });
  // GitLab takes no new description for the state that a status has.
  expect(calls).toEqual([2, 3, 3]);
});

describe("an answer", () => {
  const outcome = (kind: GitKind, status: number, body: object) =>
    GIT_HOSTS[kind].outcome({ status, headers: new Headers(), text: JSON.stringify(body) }, 0);

  it.each([
    ["gitlab", 400, { message: "Cannot transition status via :run from :running" }, "done"],
    ["gitlab", 400, { message: { name: ["has already been taken"] } }, "refused"],
    ["gitlab", 404, { message: "404 Project Not Found" }, "gone"],
    ["gitlab", 404, { message: "404 Commit Not Found" }, "refused"],
    ["gitlab", 409, { message: "Another update is in progress" }, "again"],
    ["gitlab", 401, { message: "401 Unauthorized" }, "gone"],
    ["gitlab", 403, { message: "403 Forbidden" }, "refused"],
    ["bitbucket", 400, { error: { message: "key: Ensure this value …" } }, "refused"],
    ["bitbucket", 404, { error: { message: "Commit not found" } }, "refused"],
    ["bitbucket", 429, {}, "again"],
    ["gitea", 404, { message: "The target couldn't be found." }, "refused"],
    ["gitea", 500, { message: "" }, "again"],
    ["gitea", 201, { id: 1 }, "done"],
  ] as const)("of %s: %i %j means %s", (kind, status, body, is) => {
    expect(outcome(kind, status, body)).toMatchObject({ is });
  });

  it("has its words in the reason", () => {
    const said = (kind: GitKind, body: object) => outcome(kind, 400, body);
    expect(said("gitlab", { message: { name: ["is taken"] } })).toMatchObject({
      reason: 'GitLab answered 400: {"name":["is taken"]}',
    });
    expect(said("bitbucket", { error: { message: "Bad key" } })).toMatchObject({
      reason: "Bitbucket answered 400: Bad key",
    });
    expect(said("gitea", {})).toMatchObject({ reason: "The git host answered 400." });
  });

  it("says when to come back", () => {
    const headers = new Headers({ "ratelimit-remaining": "0", "ratelimit-reset": "60" });
    expect(GIT_HOSTS.gitlab.outcome({ status: 429, headers, text: "" }, 20_000)).toMatchObject({
      after: 40_000,
    });
  });
});

describe("settings and headers", () => {
  it.each([
    ["github", { repository: "octocat" }],
    ["github", { repository: "octocat/.." }],
    ["github", { repository: "octocat/blog/../../x" }],
    ["github", { repository: "o/r", api_url: "http://git.example.com/api/v3" }],
    ["github", { repository: "o/r", api_url: "https://u:p@git.example.com/api/v3" }],
    ["github", { repository: "o/r", api_url: "https://git.example.com/?x=" }],
    ["github", { repository: "o/r", token: "t" }],
    ["gitlab", { repository: "acme" }],
    ["gitlab", { repository: "acme/../x" }],
    ["bitbucket", { repository: "o/r", username: "a:b" }],
    ["bitbucket", { repository: "o/r", username: "müller" }],
    ["gitea", { repository: "o/r" }],
  ] as const)("%s refuses %j", (kind, settings) => {
    expect(GIT_HOSTS[kind].settings.safeParse(settings).success).toBe(false);
  });

  it("take self-hosted APIs and GitLab's ids", () => {
    const base = (kind: GitKind, settings: object) => GIT_HOSTS[kind].settings.parse(settings);
    expect(
      base("github", { repository: "o/r", api_url: "https://ghe.example.com/api/v3/" }),
    ).toEqual({
      repository: "o/r",
      api_url: "https://ghe.example.com/api/v3",
      deployments: true,
      comment: false,
    });
    expect(base("gitlab", { repository: "4711" })).toMatchObject({ repository: "4711" });
  });

  it("carry the token as each host wants it", () => {
    const authorization = (kind: GitKind, more = {}) =>
      GIT_HOSTS[kind].headers({ repository: "o/r", ...more }, "t0ken")["authorization"];
    expect(authorization("github")).toBe("Bearer t0ken");
    expect(authorization("gitlab")).toBe("Bearer t0ken");
    expect(authorization("gitea")).toBe("token t0ken");
    expect(authorization("bitbucket")).toBe("Bearer t0ken");
    expect(authorization("bitbucket", { username: "ada@example.com" })).toBe(
      `Basic ${btoa("ada@example.com:t0ken")}`,
    );
    expect(GIT_HOSTS.github.headers({}, "t")).toMatchObject({
      accept: "application/vnd.github+json",
      "user-agent": "Signalbox/1",
      "x-github-api-version": "2022-11-28",
    });
    expect(["", "a b", "a\r\nx: y", "é"].map((each) => Token.safeParse(each).success)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe("people's words", () => {
  const nasty = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 400 }),
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.constantFrom(
      "@everyone and @octocat/team, fixes #3",
      "--> <!-- <img src=x onerror=alert(1)>",
      "`` ` ``` | \\| \\` [x](javascript:alert(1)) ![y](//evil) **b** ~~c~~",
      "\u202eevil\u2066 \u200b\ufeff",
      "👩‍👩‍👧‍👦".repeat(400),
      `a${"\u0301".repeat(5000)}`,
      "שלום עולם ".repeat(60),
      "\ud800",
      " ",
      "",
      "x".repeat(20_000),
    ),
  );
  const words = fc.record({ reason: nasty, branch: nasty, project: nasty, message: nasty });
  const seen = (w: { reason: string; branch: string; project: string; message: string }) =>
    deploy({
      status: "failed",
      reason: w.reason,
      branch: w.branch || "b",
      target: `preview/${w.branch}`,
      project: w.project,
      commit_message: w.message,
    });

  it("keep to every host's limits", () => {
    fc.assert(
      fc.property(words, (w) => {
        for (const kind of KINDS) {
          const body = requestOf(kind, { ...seen(w), project: "blog" }, "deploy.failed");
          expect(String(body?.["description"]).length).toBeLessThanOrEqual(140);
        }
      }),
    );
  });

  it("keep to what GitHub takes", () => {
    const settings = GIT_HOSTS.github.settings.parse({ repository: "o/r", deployments: false });
    fc.assert(
      fc.property(words, (w) => {
        const request = only(GIT_HOSTS.github, settings, event("deploy.failed", seen(w)));
        operationOf(request);
        const { context, description } = request.body as { context: string; description: string };
        expect(description.length).toBeLessThanOrEqual(140);
        expect(context.length).toBeLessThanOrEqual(100);
        expect(context + description).not.toMatch(/[\u{10000}-\u{10ffff}]/u);
        expect((context + description).isWellFormed()).toBe(true);
      }),
    );
  });

  it("are dead in a comment: no mention, no link, no markup, no row or cell of their own", () => {
    fc.assert(
      fc.property(words, (w) => {
        const told = toldAt(event("deploy.failed", seen(w)), NOTHING) as Told;
        const [mark, title = "", blank, ...table] = commentOf(told).split("\n");
        expect(mark).toBe(markOf(told));
        expect(blank).toBe("");
        expect(title.replace(/`[^`]*`/g, "")).toMatch(/^\*\*Signalbox\*\* –?$/);
        expect(table).toHaveLength(7);
        for (const row of table) {
          expect(row.match(/\|/g)).toHaveLength(3);
          // Outside of code spans, only our own words are left.
          expect(row.replace(/`[^`]*`/g, "")).toMatch(
            /^\| [A-Za-z -]* \| [❌ A-Za-z–-]* \|$|^\| \| \|$/,
          );
        }
        expect(commentOf(told).length).toBeLessThan(65_536);
      }),
    );
  });

  it("are cut between characters as people see them", () => {
    const family = "👩‍👩‍👧‍👦";
    expect(joined(`${family}x`, 140)).toBe(`${family}x`);
    expect(joined("e\u0301".repeat(100), 140)).toBe(`${"e\u0301".repeat(69)}…`);
    expect(joined("a\r\nb\tc", 10)).toBe("a b c");
    fc.assert(
      fc.property(nasty, fc.integer({ min: 10, max: 200 }), (each, max) => {
        const line = joined(each, max);
        expect(line.length).toBeLessThanOrEqual(max);
        expect(line.isWellFormed()).toBe(true);
        expect(line).not.toMatch(/[\n\r\u202a-\u202e\u2066-\u2069\u200b]/);
      }),
    );
  });
});

it("links only to http(s), and never out of its place in a comment", () => {
  const address = "https://x.pages.dev/a|b(c)[d]`e`<f>@g h";
  const links = {
    dashboard: "javascript:alert(1)",
    deployment: address,
    logs: null,
    site: address,
  };
  const told = toldAt(event("deploy.succeeded", deploy({ ...LIVE, links })), NOTHING) as Told;
  expect(told.page).toMatch(/^https:/);
  const found = [...commentOf(told).matchAll(/\]\(([^)]*)\)/g)].map(([, url]) => url ?? "");
  expect(found).toHaveLength(2);
  expect(found.join("")).not.toMatch(/[|()[\]`<>@ ]/);
  expect(decodeURIComponent(found[0] ?? "")).toBe(decodeURIComponent(new URL(address).href));
});

it("gives long contexts a name of their own", () => {
  const key = (branch: string) =>
    requestOf("bitbucket", deploy({ branch, target: `preview/${branch}` }), "deploy.queued")?.[
      "key"
    ];
  expect(key("x")).toBe("signalbox/blog/preview/x");
  const long = "feature/a-long-name-of-a-branch";
  expect(new Set([key(`${long}-1`), key(`${long}-2`), key("é")]).size).toBe(3);
  const context = (branch: string) =>
    toldAt(event("deploy.queued", deploy({ target: `preview/${branch}` })), NOTHING)?.context;
  expect(context("x".repeat(200))).not.toBe(context("x".repeat(201)));
});
