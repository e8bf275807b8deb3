import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { instanceOf } from "../../../src/objects.ts";
import { Edge, leave } from "../api/edge.ts";
import { deliver, fixture, makeHook } from "../api/github.ts";
import { Reader } from "../api/reader.ts";
import { Visit } from "./visit.ts";

let edge: Edge;
let visit: Visit;
let path: string;
beforeEach(async () => {
  edge = await Edge.create();
  visit = new Visit();
  path = `/projects/${edge.world.name}/live`;
});
afterEach(leave);

/** What an open page hears. To be there is its first news. */
async function open(address = path): Promise<Reader> {
  const response = await visit.listen(address);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const reader = new Reader(response.body ?? new ReadableStream());
  expect((await reader.next())?.event).toBe("news");
  return reader;
}

describe("what keeps a page up to date", () => {
  it("says that there is news, and not what", async () => {
    await visit.signIn(edge.token);
    const stream = await open();
    await edge.world.push({ branch: "hostile" });
    const [news] = await stream.until("news");
    expect(news).toEqual({ id: "", event: "news", data: "{}" });
    await stream.leave();
  });

  it("tells a page that shows deliveries of each, though none is an event", async () => {
    await visit.signIn(edge.token);
    const hook = await makeHook(edge);
    const receiver = await edge.world.subscribe(
      "down.example",
      () => new Response("no", { status: 500 }),
      { events: ["deploy.succeeded"] },
    );
    await edge.world.ended((await edge.world.push()).deploy?.id ?? "");
    const [failed] = (await edge.on("GET", `/subscribers/${receiver}/deliveries`)).body.items;
    const events = async (): Promise<number> => (await edge.on("GET", "/events")).body.items.length;
    const before = await events();
    const [stream, plain] = [await open(`${path}?deliveries`), await open()];
    await deliver(hook, fixture("ping"), { event: "ping" });
    await stream.until("news");
    await edge.on("POST", `/subscribers/${receiver}/deliveries/${failed.id}/redeliver`);
    await stream.until("news");
    await edge.world.run(1_000);
    await stream.until("news");
    expect(await events()).toBe(before);
    const sockets = (tag?: string): Promise<number> =>
      edge.world.inside((_, state) => state.getWebSockets(tag).length);
    expect([await sockets(), await sockets("deliveries")]).toEqual([2, 1]);
    await stream.leave();
    await plain.leave();
  });

  it("is for somebody signed in, on our own pages", async () => {
    const before = await edge.trace();
    for (const address of [path, "/live"]) {
      const got = await visit.listen(address);
      expect([address, got.status]).toEqual([address, 401]);
      expect(await got.json()).toMatchObject({ code: "token_missing" });
    }
    expect(await edge.trace()).toEqual(before);
    await visit.signIn(edge.token);
    const foreign: Record<string, string>[] = [
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "cross-site" },
      { origin: "https://evil.example" },
    ];
    for (const headers of foreign) {
      for (const address of [path, "/live"]) {
        const got = await visit.listen(address, headers);
        expect([address, headers, got.status]).toEqual([address, headers, 400]);
        await got.body?.cancel();
      }
    }
  });

  it("ends at once for a project's token that is revoked, and for a project that is removed", async () => {
    const { id, token } = await edge.projectToken("read");
    const manager = new Visit();
    await visit.signIn(token, { project: edge.world.name });
    const streams = [await open(), await open("/live")];
    await manager.signIn(edge.token);
    visit = manager;
    const stays = await open();
    await edge.on("DELETE", `/tokens/${id}`);
    for (const stream of streams) {
      await stream.until("end");
      expect(await stream.next()).toBeNull();
    }
    await edge.send("DELETE", edge.base);
    await stays.until("end");
    expect(await stays.next()).toBeNull();
  });

  it("ends for an instance's token that is revoked, and with the session", async () => {
    const { id, token } = await edge.instanceToken("read");
    await visit.signIn(token);
    const revoked = await open();
    visit = new Visit();
    await visit.signIn(edge.token);
    const stays = await open();
    await edge.send("DELETE", `/v1/tokens/${id}`);
    edge.world.pass(31_000);
    await edge.world.push();
    await revoked.until("end");
    await stays.until("news");
    edge.world.pass(12 * 3_600_000);
    await edge.world.push({ branch: "later" });
    await stays.until("end");
  });

  it("of more projects than an overview hears has it read again by the clock", async () => {
    const account_id = edge.config.accountId;
    const others = Array.from({ length: 21 }, (_, n) => `${edge.world.name}-${n}`);
    const keys = others.map((name) => `${account_id}/${name}`);
    for (const [n, name] of others.entries()) {
      await instanceOf(env).register({ key: keys[n] ?? "", name, account_id });
    }
    await visit.signIn(edge.token);
    const stream = await open("/live");
    edge.world.pass(31_000);
    await stream.until("news");
    await stream.leave();
    await Promise.all(keys.map((key) => instanceOf(env).unregister(key)));
  });

  it("leaves the feedback of a form for the page that follows it", async () => {
    await visit.signIn(edge.token);
    const page = `/projects/${edge.world.name}`;
    await visit.post(`${page}/locks`, { reason: "stop" });
    const again = await visit.get(page, { "sec-fetch-mode": "cors" });
    expect(again.text).not.toContain("Locked.");
    expect((await visit.get(page)).text).toContain("Locked.");
  });
});
