import { describe, expect, it } from "vitest";

import { github } from "../../../../src/notify/git/github.ts";
import { NOTHING, type Memory } from "../../../../src/notify/git/status.ts";
import type { Event } from "../../../../src/project/shapes.ts";
import { FakeGitHub } from "./fake-github.ts";
import { deploy, event, LIVE, PRODUCTION, SHA, STARTED, stages, tellEvent } from "./support.ts";

const SETTINGS = github.settings.parse({ repository: "octocat/blog" });
const COMMENTS = { ...SETTINGS, deployments: false, comment: true };
const REPO = "https://api.github.com/repos/octocat/blog";

/** Tells them one after the other; what is known of the deploy and of its target goes along. */
function tellAll(hub: FakeGitHub, events: Event[], settings = SETTINGS, before = NOTHING): Memory {
  return events.reduce((memory, one) => tellEvent(github, settings, one, hub.ask, memory), before);
}

/** The next deploy of the same target. */
function next(memory: Memory): Memory {
  return { ...NOTHING, target: memory.target };
}

const queued = (changes = {}): Event => event("deploy.queued", deploy(changes));
const started = (changes = {}): Event =>
  event("deploy.started", deploy({ ...STARTED, ...changes }));
const succeeded = (changes = {}): Event =>
  event("deploy.succeeded", deploy({ ...LIVE, ...changes }));

describe("a deploy from queued to live", () => {
  it("is a status and a deployment, each told when something changed", () => {
    const hub = new FakeGitHub();
    const stage = (...begun: string[]): Event =>
      event("deploy.stage", deploy({ ...STARTED, stages: stages(...begun) }));
    tellAll(hub, [
      queued(),
      started(),
      stage("queued"),
      stage("queued", "initialize"),
      stage("queued", "initialize", "clone_repo"),
      stage("queued", "initialize", "clone_repo", "build"),
      stage("queued", "initialize", "clone_repo", "build"),
      stage("queued", "initialize", "clone_repo", "build", "deploy"),
      succeeded(),
      event("deploy.recovered", deploy(LIVE)),
    ]);
    expect(hub.statuses.map(({ body }) => [body["state"], body["description"]])).toEqual([
      ["pending", "#414: Waits for its turn."],
      ["pending", "#414: Starting."],
      ["pending", "#414: Building."],
      ["pending", "#414: Deploying."],
      ["success", "#414: Deployed in 1 min 12 s."],
    ]);
    expect(hub.deployments).toHaveLength(1);
    const id = hub.deployments[0]?.id ?? 0;
    expect(hub.states(id)).toEqual(["in_progress", "in_progress", "in_progress", "success"]);
    expect(hub.calls).toHaveLength(5 + 2 + 4);
  });

  it("names the place, the commit and the addresses", () => {
    const hub = new FakeGitHub();
    const links = {
      dashboard: "https://signalbox.example.com/projects/blog/deploys/414",
      deployment: null,
      logs: null,
      site: "https://feature-x.blog.pages.dev/",
    };
    tellAll(hub, [started({ links }), succeeded({ links })]);
    expect(hub.requests[0]?.url).toBe(`${REPO}/statuses/${SHA}`);
    expect(hub.statuses.map(({ body }) => [body["context"], body["target_url"]])).toEqual([
      ["signalbox/blog/preview/feature/x", links.dashboard],
      ["signalbox/blog/preview/feature/x", links.site],
    ]);
    expect(hub.deployments[0]?.body).toEqual({
      ref: SHA,
      task: "deploy",
      auto_merge: false,
      required_contexts: [],
      payload: { signalbox: "dpl_414" },
      environment: "blog (Preview)",
      description: "Deploy #414 by Signalbox",
      production_environment: false,
      transient_environment: true,
    });
    expect(hub.deploymentStatuses.at(-1)?.body).toEqual({
      state: "success",
      description: "#414: Deployed in 1 min 12 s.",
      log_url: links.dashboard,
      environment_url: links.site,
      auto_inactive: false,
    });
  });

  it("has no second deployment when the answer to the first one was lost", () => {
    const hub = new FakeGitHub();
    hub.losing.add("repos/create-deployment");
    tellAll(hub, [queued(), started(), succeeded()]);
    expect(hub.deployments).toHaveLength(1);
    expect(hub.calls.filter((call) => call === "list-deployments")).toHaveLength(2);
    expect(hub.states(hub.deployments[0]?.id ?? 0)).toEqual(["in_progress", "success"]);
  });

  it("finds its deployment again when all memory is lost", () => {
    const hub = new FakeGitHub();
    tellAll(hub, [started()]);
    tellAll(hub, [started({ id: "dpl_other", number: 413 })]);
    expect(hub.deployments).toHaveLength(2);
    tellAll(hub, [succeeded()]);
    expect(hub.deployments).toHaveLength(2);
    expect(hub.states(hub.deployments[0]?.id ?? 0)).toEqual(["in_progress", "success"]);
  });

  it("gets a new deployment when somebody deleted the first", () => {
    const hub = new FakeGitHub();
    const memory = tellAll(hub, [started()]);
    hub.deployments = [];
    const after = tellAll(hub, [succeeded()], SETTINGS, memory);
    expect(hub.deployments).toHaveLength(1);
    expect(after.deploy.deployment).toBe(hub.deployments[0]?.id);
    expect(hub.states(hub.deployments[0]?.id ?? 0)).toEqual(["success"]);
  });
});

describe("what ends otherwise", () => {
  const ENDS = [
    ["deploy.failed", "failed", "failure", "failure"],
    ["deploy.health_failed", "failed", "failure", "failure"],
    ["deploy.timed_out", "timed_out", "failure", "failure"],
    ["deploy.canceled", "canceled", "error", "error"],
    ["deploy.superseded", "superseded", "pending", "inactive"],
    ["deploy.skipped", "skipped", "success", "inactive"],
  ] as const;

  it.each(ENDS)("%s: %s, status %s, deployment %s", (type, status, state, deployed) => {
    const hub = new FakeGitHub();
    const ended = { ...STARTED, status, reason: "It says why.", ended_at: LIVE.ended_at };
    tellAll(hub, [started(), event(type, deploy(ended))]);
    expect(hub.statuses.at(-1)?.body).toMatchObject({ state, description: "#414: It says why." });
    expect(hub.states(hub.deployments[0]?.id ?? 0)).toEqual(["in_progress", deployed]);
  });

  it("has no deployment if it never started, and asks for none", () => {
    const hub = new FakeGitHub();
    tellAll(hub, [
      queued(),
      event("deploy.held", deploy({ reason: "Waits for approval." })),
      event("deploy.superseded", deploy({ status: "superseded", reason: "Superseded by #415." })),
    ]);
    expect(hub.calls).toEqual(Array(3).fill("create-commit-status"));
  });

  it("says queued again at a deployment that waits to be tried again", () => {
    const hub = new FakeGitHub();
    tellAll(hub, [started(), event("deploy.held", deploy({ ...STARTED, status: "queued" }))]);
    expect(hub.states(hub.deployments[0]?.id ?? 0)).toEqual(["in_progress", "queued"]);
  });
});

describe("order", () => {
  it("keeps what is late to itself", () => {
    const hub = new FakeGitHub();
    const late = started();
    const memory = tellAll(hub, [succeeded()]);
    tellAll(hub, [late], SETTINGS, memory);
    expect(hub.statuses.map(({ body }) => body["state"])).toEqual(["success"]);
  });

  it("leaves the last word on a commit to its newest deploy", () => {
    const hub = new FakeGitHub();
    const newer = tellAll(hub, [started({ number: 415 }), succeeded({ number: 415 })]);
    const old = deploy({ status: "superseded", reason: "Superseded by #415." });
    tellAll(hub, [event("deploy.superseded", old)], SETTINGS, next(newer));
    expect(hub.statuses.at(-1)?.body).toMatchObject({ state: "success" });
    const other = deploy({ status: "superseded", commit_hash: "b".repeat(40) });
    tellAll(hub, [event("deploy.superseded", other)], SETTINGS, next(newer));
    expect(hub.requests.at(-1)?.url).toBe(`${REPO}/statuses/${"b".repeat(40)}`);
  });

  it("takes production's deployment before back, also after a rollback", () => {
    const hub = new FakeGitHub();
    const first = tellAll(hub, [started(PRODUCTION), succeeded(PRODUCTION)]);
    const second = { ...PRODUCTION, number: 415, commit_hash: "b".repeat(40) };
    const after = tellAll(hub, [started(second), succeeded(second)], SETTINGS, next(first));
    const back = { ...PRODUCTION, number: 416, kind: "rollback" };
    tellAll(hub, [started(back), succeeded(back)], SETTINGS, next(after));
    const states = hub.deployments.map(({ id }) => hub.states(id));
    expect(states).toEqual([
      ["in_progress", "success", "inactive"],
      ["in_progress", "success", "inactive"],
      ["in_progress", "success"],
    ]);
    expect(hub.deployments[0]?.body).toMatchObject({
      environment: "blog (Production)",
      production_environment: true,
      transient_environment: false,
    });
    expect(hub.statuses[0]?.body["context"]).toBe("signalbox/blog");
  });
});

describe("the comment", () => {
  const PULL = { number: 7, state: "open", head: { sha: SHA } };

  it("is one for a branch, written when a deploy starts and ends", () => {
    const hub = new FakeGitHub();
    hub.pulls = [PULL, { ...PULL, number: 8, state: "closed" }];
    hub.pulls.push({ ...PULL, number: 9, head: { sha: "b".repeat(40) } });
    const stage = event("deploy.stage", deploy({ ...STARTED, stages: stages("build") }));
    const first = tellAll(hub, [queued(), started(), stage, succeeded()], COMMENTS);
    expect(hub.comments).toHaveLength(1);
    expect(String(hub.comments[0]?.body["body"]).split("\n")).toEqual([
      expect.stringMatching(/^<!-- signalbox [0-9a-f]{24} -->$/),
      "**Signalbox** `blog`",
      "",
      "| | |",
      "| --- | --- |",
      "| Status | ✅ Deployed in 1 min 12 s. |",
      "| Preview | [feature-x.blog.pages.dev](https://feature-x.blog.pages.dev/) |",
      "| Branch | `feature/x` |",
      `| Commit | \`${SHA.slice(0, 7)}\` |`,
      "| Deploy | `#414` |",
    ]);
    const failed = {
      ...STARTED,
      number: 415,
      status: "failed",
      reason: "Failed in build.",
    } as const;
    tellAll(
      hub,
      [started({ number: 415 }), event("deploy.failed", deploy(failed))],
      COMMENTS,
      next(first),
    );
    expect(hub.comments).toHaveLength(1);
    expect(hub.comments[0]?.body["body"]).toContain(
      "| Status | ❌ Failed |\n| Why | `Failed in build.` |",
    );
    expect(hub.calls.filter((call) => call === "list-comments")).toHaveLength(1);
  });

  it("is not written twice when an answer or all memory was lost, however long the thread", () => {
    const hub = new FakeGitHub();
    hub.pulls = [PULL];
    hub.comments = Array.from({ length: 230 }, (_, id) => ({
      id: 1000 + id,
      body: { body: "Me too" },
    }));
    hub.losing.add("issues/create-comment");
    tellAll(hub, [started()], COMMENTS);
    expect(hub.comments).toHaveLength(231);
    tellAll(hub, [succeeded()], COMMENTS);
    expect(hub.comments).toHaveLength(231);
    expect(hub.comments.at(-1)?.body["body"]).toContain("✅ Deployed");
  });

  it("is written again when somebody deleted it", () => {
    const hub = new FakeGitHub();
    hub.pulls = [PULL];
    const memory = tellAll(hub, [started()], COMMENTS);
    hub.comments = [];
    tellAll(hub, [succeeded()], COMMENTS, memory);
    expect(hub.comments).toHaveLength(1);
  });

  it("leaves another branch's, another project's and older news alone", () => {
    const hub = new FakeGitHub();
    hub.pulls = [PULL];
    const newer = tellAll(hub, [started({ number: 415 })], COMMENTS);
    tellAll(hub, [succeeded({ commit_hash: "b".repeat(40) })], COMMENTS, next(newer));
    expect(hub.comments).toHaveLength(1);
    expect(hub.comments[0]?.body["body"]).toContain("⏳ Deploying");
    tellAll(hub, [started({ project: "docs" })], COMMENTS);
    expect(hub.comments).toHaveLength(2);
    tellAll(hub, [started(PRODUCTION)], COMMENTS);
    expect(hub.comments).toHaveLength(2);
  });
});

describe("an answer", () => {
  const NOW = 1_800_000_000_000;
  const outcome = (status: number, message = "", headers = {}) =>
    github.outcome(
      { status, headers: new Headers(headers), text: JSON.stringify({ message }) },
      NOW,
    );

  it.each([
    [201, "", {}, "done"],
    [401, "Bad credentials", {}, "gone"],
    [404, "Not Found", {}, "gone"],
    [301, "Moved Permanently", {}, "gone"],
    [403, "Resource not accessible by personal access token", {}, "refused"],
    [403, "Unable to create comment because issue is locked.", {}, "refused"],
    [403, "API rate limit exceeded", { "x-ratelimit-remaining": "0" }, "again"],
    [403, "You have exceeded a secondary rate limit.", {}, "again"],
    [403, "Wait", { "retry-after": "30" }, "again"],
    [429, "", {}, "again"],
    [422, `No commit found for SHA: ${SHA}`, {}, "refused"],
    [409, "Conflict", {}, "refused"],
    [502, "", {}, "again"],
  ])("%i %s means %j → %s", (status, message, headers, is) => {
    expect(outcome(status, message, headers)).toMatchObject({ is });
  });

  it("says when to come back", () => {
    const reset = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000090" };
    expect(outcome(403, "", reset)).toMatchObject({ after: 90_000 });
    expect(outcome(403, "", { ...reset, "retry-after": "30" })).toMatchObject({ after: 30_000 });
    expect(outcome(429)).toMatchObject({ after: 60_000 });
    // The next hour's allowance has nothing to do with a broken gateway.
    expect(outcome(502, "", { ...reset, "x-ratelimit-remaining": "4999" })).toMatchObject({
      after: null,
    });
  });

  it("gives GitHub's own words as the reason", () => {
    expect(outcome(422, "No commit found")).toMatchObject({
      reason: "GitHub answered 422: No commit found",
    });
    expect(
      github.outcome({ status: 500, headers: new Headers(), text: "<html>" }, NOW),
    ).toMatchObject({ is: "again" });
  });
});
