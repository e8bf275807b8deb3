import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const URL = "https://receiver.example/events";

describe("subscribers", () => {
  it("are made with a secret that is shown this once", async () => {
    const made = await edge.on("POST", "/subscribers", { json: { url: URL } });
    expect(made.status).toBe(201);
    const { secret, ...subscriber } = made.body;
    expect(secret).toMatch(/^whsec_/);
    expect(subscriber).toMatchObject({
      url: URL,
      kind: "webhook",
      events: ["*"],
      state: "active",
      waiting: 0,
    });
    const one = await edge.on("GET", `/subscribers/${subscriber.id}`);
    expect(one.body).toEqual(subscriber);
    expect((await edge.on("GET", "/subscribers")).body).toEqual({ items: [subscriber] });
    const stored = await edge.world.inside((_, state) =>
      JSON.stringify(state.storage.sql.exec("SELECT * FROM subscribers").toArray()),
    );
    expect(one.text + stored).not.toContain(secret.slice(6));
  });

  it("hear a test event, signed so that they can check it, and the log says so", async () => {
    const bodies: { text: string; headers: Record<string, string> }[] = [];
    edge.world.receivers.set("receiver.example", async (request) => {
      bodies.push({ text: await request.text(), headers: Object.fromEntries(request.headers) });
      return new Response("thanks");
    });
    const made = await edge.on("POST", "/subscribers", {
      json: { url: URL, events: ["deploy.*"] },
    });
    const path = `/subscribers/${made.body.id}`;
    const got = await edge.on("POST", `${path}/test`);
    expect(got.status).toBe(202);
    await edge.world.run(10_000);

    const [sent] = bodies;
    expect(bodies).toHaveLength(1);
    const read = new Webhook(made.body.secret).verify(sent?.text ?? "", sent?.headers ?? {});
    expect(read).toMatchObject({ type: "test.ping", data: { subscriber_id: made.body.id } });

    const { body } = await edge.on("GET", `${path}/deliveries`);
    expect(body).toMatchObject({
      items: [
        {
          event_type: "test.ping",
          state: "delivered",
          attempts: 1,
          status: 200,
          response: "thanks",
          error: null,
        },
      ],
      next_cursor: null,
    });
  });

  it("have a log that goes page by page, newest first", async () => {
    edge.world.receivers.set("receiver.example", () => new Response(null, { status: 204 }));
    const made = await edge.on("POST", "/subscribers", { json: { url: URL } });
    const path = `/subscribers/${made.body.id}`;
    for (let n = 0; n < 5; n++) {
      await edge.on("POST", `${path}/test`);
    }
    await edge.world.run(10_000);
    const sequences: number[] = [];
    let cursor = "";
    do {
      const { body } = await edge.on("GET", `${path}/deliveries?limit=2${cursor}`);
      sequences.push(...body.items.map((d: { sequence: number }) => d.sequence));
      cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
    } while (cursor !== "");
    expect(sequences).toHaveLength(5);
    expect(sequences).toEqual(sequences.toSorted((a, b) => b - a));
  });

  it("can be changed, paused and resumed", async () => {
    const made = await edge.on("POST", "/subscribers", { json: { url: URL } });
    const path = `/subscribers/${made.body.id}`;
    const changed = await edge.on("PATCH", path, {
      json: { url: "https://other.example/", events: ["deploy.failed"], state: "paused" },
    });
    expect(changed.body).toMatchObject({
      url: "https://other.example/",
      events: ["deploy.failed"],
      state: "paused",
    });
    const resumed = await edge.on("PATCH", path, { json: { state: "active" } });
    expect(resumed.body).toMatchObject({ state: "active", events: ["deploy.failed"] });
  });

  it("have their URL as it will be asked for", async () => {
    const json = { url: "HTTPS://Receiver.Example.:443/a b" };
    const made = await edge.on("POST", "/subscribers", { json });
    expect(made.body.url).toBe("https://receiver.example/a%20b");
  });

  it("are gone when deleted", async () => {
    const made = await edge.on("POST", "/subscribers", { json: { url: URL } });
    const path = `/subscribers/${made.body.id}`;
    expect((await edge.on("DELETE", path)).status).toBe(204);
    expectProblem(await edge.on("GET", path), 404, "subscriber_not_found");
  });

  it("are no more than a project can serve", async () => {
    for (let n = 0; n < 50; n++) {
      await edge.on("POST", "/subscribers", { json: { url: URL } });
    }
    expectProblem(await edge.on("POST", "/subscribers", { json: { url: URL } }), 409, "conflict");
  });

  it.each([
    "http://receiver.example/",
    "https://ada:hunter2@receiver.example/",
    "https://receiver.example:8443/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://2130706433/",
    "https://localhost/",
    "https://db.internal/",
    "https://signalbox.test/hooks/x/y",
    "ftp://receiver.example/",
    "receiver.example",
  ])("are not sent to %s", async (url) => {
    const made = await edge.on("POST", "/subscribers", { json: { url: URL } });
    const before = await edge.trace();
    const refused = await edge.on("POST", "/subscribers", { json: { url } });
    expectProblem(refused, 422, "url_refused");
    expect(refused.body.errors[0].field).toBe("url");
    expect(refused.text).not.toContain("hunter2");
    expectProblem(
      await edge.on("PATCH", `/subscribers/${made.body.id}`, { json: { url } }),
      422,
      "url_refused",
    );
    expect(await edge.trace()).toEqual(before);
  });
});
