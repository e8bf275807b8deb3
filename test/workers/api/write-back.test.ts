import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const TOKEN = "github_pat_not_to_be_seen";
const SHA = "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d";

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: { readonly [field: string]: unknown };
}

/** GitHub as far as it is called: deployments that it keeps, and whatever else it is told. */
class GitHub {
  readonly calls: Call[] = [];
  readonly tokens = new Set<string | null>();
  readonly deployments: { id: number; payload: unknown; sha: unknown }[] = [];
  /** In the place of the next answer. */
  instead: ((call: Call) => Response | null) | null = null;

  static at(host: string): GitHub {
    const github = new GitHub();
    edge.world.sites.set(host, async (request) => github.#answer(request));
    return github;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    const body = (text === "" ? {} : JSON.parse(text)) as Call["body"];
    const call = { method: request.method, path: `${pathname}${search}`, body };
    this.calls.push(call);
    this.tokens.add(request.headers.get("authorization"));
    const made = this.#make(call);
    return this.instead?.(call) ?? made;
  }

  #make({ method, path, body }: Call): Response {
    if (method === "GET") {
      return Response.json(this.deployments);
    }
    if (path.endsWith("/deployments")) {
      const deployment = { id: 100 + this.deployments.length, ...body } as never;
      this.deployments.push(deployment);
      return Response.json(deployment, { status: 201 });
    }
    return Response.json({ id: 1 }, { status: 201 });
  }

  /** What was said of a commit, in order. */
  states(of: "statuses" | "deployments"): unknown[] {
    const found = this.calls.filter(
      ({ method, path }) =>
        method === "POST" &&
        (of === "statuses" ? path.includes("/statuses/") : path.endsWith("/statuses")),
    );
    return found.map(({ body }) => body["state"]);
  }
}

const subscribe = (more: object = {}) =>
  edge.on("POST", "/subscribers", {
    json: { kind: "github", repository: "acme/blog", token: TOKEN, ...more },
  });

async function deployed(commit = SHA): Promise<string> {
  const { deploy } = await edge.world.push({ commit });
  const id = deploy?.id ?? "";
  await edge.world.ended(id);
  await edge.world.run(60_000);
  return id;
}

describe("a git host as a subscriber", () => {
  it("is told each deploy's status and its deployment, with the token that is never shown", async () => {
    const github = GitHub.at("api.github.com");
    const made = await subscribe();
    expect([made.status, made.body.secret, made.body.url]).toEqual([
      201,
      null,
      "https://api.github.com/acme/blog",
    ]);
    expect(made.body.host).toEqual({
      repository: "acme/blog",
      api_url: "https://api.github.com",
      deployments: true,
      comment: false,
    });
    await deployed();
    expect(github.states("statuses")).toEqual(expect.arrayContaining(["pending", "success"]));
    expect(github.states("statuses").at(-1)).toBe("success");
    expect(github.states("deployments").at(-1)).toBe("success");
    expect(github.deployments).toHaveLength(1);
    expect(github.tokens).toEqual(new Set([`Bearer ${TOKEN}`]));
    const path = `/subscribers/${made.body.id}`;
    const shown = await Promise.all(
      [path, `${path}/deliveries`, "/events"].map((what) => edge.on("GET", what)),
    );
    expect(shown.map(({ status, text }) => [status, text.includes(TOKEN)])).toEqual([
      [200, false],
      [200, false],
      [200, false],
    ]);
  });

  it("has one deployment made for each deploy, also when the answer to that was lost", async () => {
    const github = GitHub.at("api.github.com");
    await subscribe();
    let lost = 0;
    github.instead = ({ method, path }) => {
      const loses = method === "POST" && path.endsWith("/deployments") && lost === 0;
      lost += Number(loses);
      return loses ? new Response("<html>", { status: 502 }) : null;
    };
    await deployed();
    expect([lost, github.deployments.length]).toEqual([1, 1]);
    expect(github.states("deployments").at(-1)).toBe("success");
    await deployed("b".repeat(40));
    expect(github.deployments).toHaveLength(2);
  });

  it("gives up what it is refused at once, tells that once, and goes on with what comes next", async () => {
    const github = GitHub.at("api.github.com");
    const { id } = (await subscribe({ deployments: false })).body;
    const message = `No commit found for SHA: ${SHA} ${TOKEN}`;
    github.instead = () => Response.json({ message }, { status: 422 });
    await deployed();
    const { items } = (await edge.on("GET", `/subscribers/${id}/deliveries`)).body;
    expect(new Set(items.map(({ state }: { state: string }) => state))).toEqual(
      new Set(["exhausted"]),
    );
    expect(items[0].error).toContain("No commit found");
    expect(items[0].error).not.toContain(TOKEN);
    const told = (await edge.world.events()).filter(({ type }) => type === "subscriber.failing");
    expect(told).toHaveLength(1);
    github.instead = null;
    github.calls.length = 0;
    await deployed("c".repeat(40));
    expect(github.states("statuses").at(-1)).toBe("success");
    expect((await edge.on("GET", `/subscribers/${id}`)).body).toMatchObject({
      state: "active",
      failing_since: null,
    });
  });

  it("is disabled when its token is not accepted, and goes on with a new one", async () => {
    const github = GitHub.at("api.github.com");
    const { id } = (await subscribe()).body;
    github.instead = () => Response.json({ message: "Bad credentials" }, { status: 401 });
    await deployed();
    const path = `/subscribers/${id}`;
    expect((await edge.on("GET", path)).body).toMatchObject({
      state: "disabled",
      reason: "GitHub does not accept the token. Set a new one.",
    });
    github.instead = null;
    const json = { token: "github_pat_another", comment: true, state: "active" };
    expect((await edge.on("PATCH", path, { json })).body.host).toMatchObject({
      repository: "acme/blog",
      comment: true,
    });
    github.tokens.clear();
    await deployed("d".repeat(40));
    expect(github.tokens).toEqual(new Set(["Bearer github_pat_another"]));
  });

  it("has its token sent to no other host than it was given for, unless it is given anew", async () => {
    const { id } = (await subscribe({ deployments: false })).body;
    const path = `/subscribers/${id}`;
    const api_url = "https://git.elsewhere.example/api/v3";
    const refused = await edge.on("PATCH", path, { json: { api_url } });
    expectProblem(refused, 422, "field_invalid");
    expect(refused.body.errors[0].field).toBe("token");
    const github = GitHub.at("git.elsewhere.example");
    GitHub.at("api.github.com");
    await deployed();
    expect(github.calls).toEqual([]);
    for (const json of [{ repository: "acme/other" }, { api_url, token: "github_pat_another" }]) {
      expect((await edge.on("PATCH", path, { json })).status).toBe(200);
    }
    await deployed("d".repeat(40));
    expect(github.tokens).toEqual(new Set(["Bearer github_pat_another"]));
  });

  it("that repeats the header it was sent tells nobody of it", async () => {
    const github = GitHub.at("api.bitbucket.org");
    const basic = btoa(`ada@example.com:${TOKEN}`);
    github.instead = () => Response.json({ error: { message: `not ${basic}` } }, { status: 400 });
    const { id } = (await subscribe({ kind: "bitbucket", username: "ada@example.com" })).body;
    await deployed();
    const { items } = (await edge.on("GET", `/subscribers/${id}/deliveries`)).body;
    expect(items[0]).toMatchObject({
      error: "Bitbucket answered 400: not [redacted]",
      response: '{"error":{"message":"not [redacted]"}}',
    });
  });

  it("waits as long as the host's rate limit says", async () => {
    const github = GitHub.at("api.github.com");
    const { id } = (await subscribe({ deployments: false, events: ["deploy.succeeded"] })).body;
    const reset = Math.ceil(edge.world.now() / 1000) + 3_600;
    github.instead = () =>
      new Response(null, {
        status: 403,
        headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset) },
      });
    const { deploy } = await edge.world.push({ commit: SHA });
    await edge.world.ended(deploy?.id ?? "");
    await edge.world.run(3_000);
    const { items } = (await edge.on("GET", `/subscribers/${id}/deliveries`)).body;
    expect(items).toMatchObject([{ state: "pending", attempts: 1 }]);
    github.instead = null;
    await edge.world.run(60_000);
    expect(github.states("statuses")).toEqual(["success", "success"]);
  });

  it.each([
    [{ repository: "acme" }, "repository"],
    [{ token: undefined }, "token"],
    [{ repository: undefined }, "repository"],
    [{ token: "a b" }, "token"],
    [{ url: "https://a.example/" }, "url"],
    [{ headers: { a: "b" } }, "headers"],
    [{ api_url: "http://a.example" }, "api_url"],
    [{ kind: "webhook" }, "url"],
    [{ kind: "webhook", url: "https://a.example/", token: undefined }, "repository"],
    [{ kind: "slack", url: "https://a.example/", repository: undefined }, "token"],
    [{ kind: "gitea" }, "api_url"],
  ])("is not made from %o", async (more, field) => {
    const got = await subscribe(more);
    expectProblem(got, 422, "field_invalid");
    expect(got.body.errors[0].field).toBe(field);
    expect(got.text).not.toContain(TOKEN);
  });

  it.each(["https://127.0.0.1/api/v1", "https://signalbox.test/api/v1", "https://git.internal/v1"])(
    "is not looked for at %s",
    async (api_url) => {
      expectProblem(await subscribe({ kind: "gitea", api_url }), 422, "url_refused");
    },
  );

  it("takes no field of another host's", async () => {
    expectProblem(await subscribe({ username: "ada" }), 422, "field_unknown");
  });

  it("of each kind is called at its own API", async () => {
    const asked = new Map<string, Call[]>();
    const hosts = {
      gitlab: { host: "gitlab.com", more: {} },
      bitbucket: { host: "api.bitbucket.org", more: {} },
      gitea: { host: "codeberg.org", more: { api_url: "https://codeberg.org/api/v1" } },
    };
    for (const [kind, { host, more }] of Object.entries(hosts)) {
      asked.set(kind, GitHub.at(host).calls);
      expect((await subscribe({ kind, ...more })).status).toBe(201);
    }
    await deployed();
    const last = [...asked].map(([kind, calls]) => [kind, calls.at(-1)?.body["state"]]);
    expect(Object.fromEntries(last)).toEqual({
      gitlab: "success",
      bitbucket: "SUCCESSFUL",
      gitea: "success",
    });
  });
});
