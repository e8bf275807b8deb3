import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { SubscriberKind } from "../../../src/notify/kinds.ts";
import { Edge, leave } from "../api/edge.ts";
import { Visit, words } from "./visit.ts";

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

describe("every page", () => {
  it("is there, of a project with something of everything", async () => {
    const { world } = edge;
    await edge.on("POST", "/badge");
    const { deploy } = await world.push();
    await world.ended(deploy?.id ?? "");
    await world.push({ branch: "preview" });
    await world.subscribe("receiver.example");
    const schedule = await edge.on("POST", "/schedules", { json: { cron: "0 6 * * *" } });
    const hook = await edge.on("POST", "/hooks", { json: { source: "github" } });
    const subscribers = await edge.on("GET", "/subscribers");
    const { id: subscriber } = subscribers.body.items[0] as { id: string };
    const pages = [
      "",
      "?q=change&branch=main&environment=production&status=succeeded",
      "/deploys/1",
      "/deploys/1/log",
      "/deploys/1/rollback",
      "/deploys/2/cancel",
      "/rollback",
      "/lock",
      "/hooks",
      "/hooks/new",
      "/hooks/new?source=hmac",
      `/hooks/${hook.body.id}`,
      `/hooks/${hook.body.id}/set-up`,
      `/hooks/${hook.body.id}/remove`,
      "/subscribers",
      `/subscribers/${subscriber}`,
      `/subscribers/${subscriber}?state=pending`,
      `/subscribers/${subscriber}/remove`,
      "/subscribers/new",
      ...SubscriberKind.options.map((kind) => `/subscribers/new?kind=${kind}`),
      "/numbers",
      "/numbers?days=7",
      "/schedules",
      `/schedules/${schedule.body.id}/remove`,
      "/windows?explain=1&branch=main&hours=3",
      "/policy",
      "/events",
      "/events?kind=deploy&deploy=1",
      "/badge",
      "/badge/renew",
      "/tokens",
      "/upload",
    ].map((page) => `${path}${page}`);
    for (const page of [
      ...pages,
      "/",
      "/?show=waiting",
      "/audit",
      "/audit?kind=hook",
      "/accounts",
      "/access",
      "/tokens",
      "/settings",
      "/register",
    ]) {
      const got = await visit.get(page);
      expect([page, got.status]).toEqual([page, 200]);
      expect(got.text.match(/<h1>/g)).toHaveLength(1);
      expect(got.text).not.toMatch(/ style=|undefined|\[object|NaN|Invalid Date/);
      // A browser ends a paragraph at any of these.
      expect(got.text).not.toMatch(/<p\b[^>]*>(?:(?!<\/p>).)*<(?:form|div|ul|ol|dl|table|p)\b/s);
    }
  });

  it("of a deploy is found by its id, too", async () => {
    const { deploy } = await edge.world.push();
    const got = await visit.get(`${path}/deploys/${deploy?.id}`);
    expect(got.headers.get("location")).toBe(`${path}/deploys/1`);
  });

  it("that there is not is a 404, whatever the address has", async () => {
    for (const page of [
      "/deploys/99",
      "/deploys/x",
      "/deploys/dpl_x",
      "/deploys/1/nothing",
      "/hooks/hok_1",
      "/hooks/hok_1/set-up",
      "/hooks/hok_1/remove",
      "/subscribers/x",
      "/subscribers/x/remove",
      "/schedules/x/remove",
      "/nothing",
    ]) {
      expect([page, (await visit.get(`${path}${page}`)).status]).toEqual([page, 404]);
    }
  });
});

describe("a deploy, from its button to its end", () => {
  it("goes through the line; asking twice makes one", async () => {
    const fields = { once: "form-1" };
    expect((await visit.post(`${path}/deploy`, fields)).headers.get("location")).toBe(path);
    await visit.post(`${path}/deploy`, fields);
    expect(words((await visit.get(path)).text)).toContain("#1 is in line.");
    await edge.world.run(600_000);
    expect(words((await visit.get(path)).text)).toContain("#1 is live");
    expect(await edge.on("GET", "/deploys")).toMatchObject({
      body: { items: [{ number: 1, status: "succeeded" }] },
    });
    const page = words((await visit.get(`${path}/deploys/1`)).text);
    expect(page).toContain("Asked for by API");
    expect(page).toContain("Succeeded after");
  });

  it("is canceled, tried again and rolled back by forms", async () => {
    const { world } = edge;
    for (const message of ["one", "two"]) {
      await world.ended((await world.push({ message })).deploy?.id ?? "");
    }
    const asked = await visit.get(`${path}/deploys/1/rollback`);
    expect(words(asked.text)).toContain("Roll back production to #1?");
    const back = await visit.post(`${path}/deploys/1/rollback`);
    expect(back.headers.get("location")).toBe(path);
    await world.run(60_000);
    const rolled = words((await visit.get(path)).text);
    expect(rolled).toContain("Production goes back to #1.");
    expect(rolled).toContain("Production is locked");
    const again = await visit.post(`${path}/deploys/2/retry`);
    expect(again.headers.get("location")).toBe(`${path}/deploys/4`);
    await visit.post(`${path}/deploys/4/cancel`);
    expect(words((await visit.get(path)).text)).toContain("#4 is canceled.");
    await visit.post(`${path}/deploys/4/cancel`);
    expect(words((await visit.get(path)).text)).toContain("#4 was not canceled: ");
  });

  it("waits for approval, and is rejected with a reason", async () => {
    const other = await Edge.create({
      policy: { approval: { environments: ["production"], expires_hours: 72 } },
    });
    const to = `/projects/${other.world.name}`;
    await other.world.push();
    await other.world.run(1_000);
    expect(words((await visit.get("/?show=needs")).text)).toContain("#1 waits for approval");
    await visit.post(`${to}/deploys/1/reject`, { reason: "not on a Friday" });
    expect(words((await visit.get(`${to}/deploys/1`)).text)).toContain("not on a Friday");
  });
});

describe("what others wrote", () => {
  it("is text and nothing else, wherever it stands", async () => {
    const message = '<script>alert("x")</script>\u202e<img src=x onerror=alert(1)>';
    await edge.world.push({ branch: "feature/<b>", message });
    await edge.on("POST", "/locks", { json: { reason: "<i>stop</i>", holder: '"><b>me' } });
    await edge.world.run(60_000);
    for (const page of [
      "/",
      path,
      `${path}/deploys/1`,
      `${path}/windows`,
      `${path}/events`,
      "/audit",
    ]) {
      const { status, text } = await visit.get(page);
      expect([page, status]).toEqual([page, 200]);
      expect(text).not.toMatch(/<script>|<img|<i>|<b>|\u202e/);
    }
    expect((await visit.get(`${path}/deploys/1`)).text).toContain("&lt;script&gt;");
  });
});

describe("what is shown once", () => {
  it("a hook's secret and URL are on the page that made it, and on none after", async () => {
    const made = await visit.post(`${path}/hooks`, {
      source: "github",
      repository: "example/site",
    });
    expect(made.status).toBe(201);
    const url = /https:\/\/signalbox\.test\/hooks\/[^"<]+/.exec(made.text)?.[0] ?? "";
    expect(url).toContain(`/hooks/${edge.world.name}/hok_`);
    const id = /hok_[0-9A-Z]{26}/.exec(url)?.[0] ?? "";
    const tag = url.slice(url.indexOf(id) + id.length);
    const own = `${path}/hooks/${id}`;
    // Where the page that made it is read again.
    expect(made.text).toContain(`<a href="${own}/set-up">Refresh</a>`);
    for (const address of [own, `${own}/set-up`]) {
      const later = await visit.get(address);
      expect(later.text).toContain("example/site");
      expect(later.text).not.toContain(tag);
    }
    const explained = await visit.post(`${path}/hooks/${id}/explain`, {
      body: "{}",
      headers: "X-GitHub-Event: ping",
    });
    expect(explained.text).toContain("signature");
    const rotated = await visit.post(`${path}/hooks/${id}/rotate`);
    expect(rotated.text).toContain("shown now and never again");
    expect(rotated.text).toContain(`<a href="${own}">Refresh</a>`);
    const asked = await visit.get(`${own}/remove`);
    expect(words(asked.text)).toContain("Delete the hook for GitHub?");
    await visit.post(`${own}/remove`);
    expect((await visit.get(own)).status).toBe(404);
  });

  it("a token is on the page that made it; revoking is for good", async () => {
    const made = await visit.post(`${path}/tokens`, {
      scope: "read",
      description: "for the wall",
      days: "1",
    });
    const token = /sbx\.tok_[^"<]+/.exec(made.text)?.[0] ?? "";
    expect((await edge.on("GET", "", { token })).status).toBe(200);
    const id = /tok_[0-9A-Z]{26}/.exec(token)?.[0] ?? "";
    expect((await visit.get(`${path}/tokens`)).text).not.toContain(token);
    const question = words((await visit.get(`${path}/tokens/${id}/revoke`)).text);
    expect(question).toContain("Revoke this token?");
    expect(question).toContain("for the wall");
    expect((await edge.on("GET", "", { token })).status).toBe(200);
    await visit.post(`${path}/tokens/${id}/revoke`);
    expect((await edge.on("GET", "", { token })).status).toBe(401);
  });
});

describe("rules", () => {
  it("change as a whole, and what was written stays on the page when it is refused", async () => {
    const { text } = await visit.get(`${path}/policy`);
    const revision = /name="revision" value="(\d+)"/.exec(text)?.[1] ?? "";
    const wrong = await visit.post(`${path}/policy`, { revision, policy: '{"mode": "sometimes"}' });
    expect([wrong.status, words(wrong.text).includes("sometimes")]).toEqual([422, true]);
    const bad = await visit.post(`${path}/policy`, { revision, policy: "not json" });
    expect(bad.status).toBe(422);
    const done = await visit.post(`${path}/policy`, { revision, policy: '{"mode": "all"}' });
    expect(done.status).toBe(303);
    const late = await visit.post(`${path}/policy`, { revision, policy: '{"mode": "supersede"}' });
    expect(late.status).toBe(422);
    expect(await edge.world.stub().policy()).toMatchObject({ policy: { mode: "all" } });
  });

  it("windows come and go, schedules and subscribers too", async () => {
    const window = {
      action: "deny",
      cron: "0 18 * * *",
      hours: "8",
      time_zone: "Europe/Berlin",
      reason: "Evenings",
    };
    await visit.post(`${path}/windows`, window);
    await visit.post(`${path}/windows`, { ...window, reason: "Mornings", cron: "0 6 * * *" });
    const { text } = await visit.get(`${path}/windows`);
    const [evenings = ""] = [...text.matchAll(/name="remove" value="([^"]+)"/g)]
      .map(([, value = ""]) => value.replaceAll("&quot;", '"'))
      .filter((value) => value.includes("Evenings"));
    // Twice, as by two people who look at the same page: nobody takes another one away.
    await visit.post(`${path}/windows`, { remove: evenings });
    await visit.post(`${path}/windows`, { remove: evenings });
    const left = (await visit.get(`${path}/windows`)).text;
    expect([left.includes("Evenings"), left.includes("Mornings")]).toEqual([false, true]);
    expect((await visit.post(`${path}/schedules`, { cron: "never" })).status).toBe(422);
    expect((await visit.post(`${path}/schedules`, { cron: "0 6 * * *" })).status).toBe(303);
    const added = await visit.post(`${path}/subscribers`, {
      url: "https://hear.example/x",
      events: "deploy.*\n",
    });
    expect(added.text).toContain("whsec_");
    expect((await visit.post(`${path}/subscribers`, { url: "http://10.0.0.1/" })).status).toBe(422);
    const id = /sub_[0-9A-Z]{26}/.exec(added.text)?.[0] ?? "";
    await visit.post(`${path}/subscribers/${id}/pause`);
    expect(words((await visit.get(`${path}/subscribers/${id}`)).text)).toContain("paused");
  });
});

describe("registering", () => {
  it("picks from the account", async () => {
    const name = `new-${edge.world.name}`;
    edge.world.sandbox.addProject({ name, production_branch: "main" });
    expect((await visit.get("/register")).text).toContain(name);
    const got = await visit.post("/register", { project: name });
    expect(got.headers.get("location")).toBe(`/projects/${name}`);
    expect((await visit.get(`/projects/${name}`)).text).toContain(`${name} is registered.`);
    expect(words((await visit.get(`/projects/${name}`)).text)).toContain("Nothing deployed yet");
  });
});

describe("a subscriber", () => {
  it("of a git host is made by form, with its token nowhere on a page", async () => {
    const token = "glpat-not-for-pages";
    const fields = { kind: "gitlab", repository: "acme/blog", token, events: "deploy.*" };
    const made = await visit.post(`${path}/subscribers`, {
      ...fields,
      environment: "production",
      include: "main",
      ordered: "on",
    });
    expect(made.status).toBe(200);
    const { body } = await edge.on("GET", "/subscribers");
    expect(body.items).toMatchObject([
      {
        kind: "gitlab",
        ordered: true,
        environments: ["production"],
        branches: { include: ["main"], exclude: [] },
        host: { repository: "acme/blog" },
      },
    ]);
    const page = await visit.get(`${path}/subscribers/${body.items[0].id}`);
    expect(words(page.text)).toContain("acme/blog");
    const wrong = await visit.post(`${path}/subscribers`, { ...fields, repository: "acme" });
    expect([wrong.status, wrong.text.includes('value="acme"')]).toEqual([422, true]);
    expect(made.text + page.text + wrong.text).not.toContain(token);
  });

  it("that fails shows every attempt, and takes an event again from both pages", async () => {
    const id = await edge.world.subscribe(
      "down.example",
      () => new Response("no", { status: 500 }),
      // One event alone, so that its second attempt does not wait for the first ones of others.
      { events: ["deploy.succeeded"] },
    );
    const { deploy } = await edge.world.push();
    await edge.world.ended(deploy?.id ?? "");
    await edge.world.run(120_000);
    const own = `${path}/subscribers/${id}`;
    const page = await visit.get(own);
    expect(words(page.text)).toContain("All attempts");
    expect(words(page.text)).toMatch(/failing for/);
    const again = /action="([^"]+\/redeliver)"/.exec(page.text)?.[1] ?? "";
    const [, delivery = ""] = /deliveries\/(\w+)\/redeliver/.exec(again) ?? [];
    const attempts = async (): Promise<number> =>
      (await edge.on("GET", `/subscribers/${id}/deliveries/${delivery}`)).body.attempts as number;
    const before = await attempts();
    expect((await visit.post(again)).headers.get("location")).toBe(own);
    await edge.world.run(1_000);
    expect(await attempts()).toBe(before + 1);
    expect((await visit.get(`${path}/deploys/1`)).text).toContain(again);
    const back = await visit.post(again, { deploy: "1" });
    expect(back.headers.get("location")).toBe(`${path}/deploys/1`);
    await visit.post(`${own}/recover`, { hours: "24" });
    expect(words((await visit.get(own)).text)).toMatch(/\d+ on their way again\./);
  });

  it("gets a new secret, shown once, beside the one before", async () => {
    const id = await edge.world.subscribe("rotates.example");
    const own = `${path}/subscribers/${id}`;
    const rotated = await visit.post(`${own}/rotate`, { overlap: "3600" });
    const secret = /whsec_[A-Za-z0-9+/=]+/.exec(rotated.text)?.[0] ?? "none";
    expect(words(rotated.text)).toContain("The one before signs too until");
    expect((await visit.get(own)).text).not.toContain(secret);
    await visit.post(`${own}/test`, { type: "deploy.failed" });
    expect(words((await visit.get(own)).text)).toContain("A test event is on its way.");
    await visit.post(`${own}/test`, { type: "no.such" });
    expect(words((await visit.get(own)).text)).toContain("Not sent: ");
  });

  it("has no forms for who only reads", async () => {
    const id = await edge.world.subscribe("read.example");
    const reader = new Visit();
    await reader.signIn((await edge.instanceToken("read")).token);
    const page = await reader.get(`${path}/subscribers/${id}`);
    expect([page.status, page.text.includes("<form")]).toEqual([200, false]);
    const rotated = await reader.post(`${path}/subscribers/${id}/rotate`, { overlap: "0" });
    expect(rotated.text).not.toContain("whsec_");
  });
});

describe("numbers", () => {
  it("have values after deploys, and say so where there are none", async () => {
    expect(words((await visit.get(`${path}/numbers`)).text)).toContain("No deploy");
    const { deploy } = await edge.world.push();
    await edge.world.ended(deploy?.id ?? "");
    const page = words((await visit.get(`${path}/numbers?days=7`)).text);
    expect(page).toMatch(/Change-failure rate 0 %/);
    expect(page).toMatch(/From trigger to live 1 \d/);
  });
});

describe("a time that a form asks for", () => {
  it.each(["1e9", "99999999", "-1", "soon"])(
    "is refused in words when no clock shows it: %s",
    async (time) => {
      for (const [to, fields] of [
        [`${path}/tokens`, { scope: "read", days: time }],
        ["/tokens", { scope: "read", days: time }],
      ] as const) {
        const got = await visit.post(to, fields);
        expect([to, got.status]).toEqual([to, 422]);
        expect(words(got.text)).toContain("expires_at");
      }
      const got = await visit.post(`${path}/locks`, { reason: "x", hours: time });
      expect(got.status).toBe(303);
      const { body } = await edge.on("GET", "/locks");
      expect((body as { items: unknown[] }).items).toEqual([]);
      const { items } = (await edge.on("GET", "/tokens")).body as { items: unknown[] };
      expect(items).toEqual([]);
    },
  );
});
