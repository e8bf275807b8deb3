import { env, exports } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave, ORIGIN } from "./edge.ts";
import { Reader } from "./reader.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

async function open(
  query = "",
  { token = edge.token, headers = {} }: { token?: string; headers?: Record<string, string> } = {},
): Promise<Reader> {
  const response = await exports.default.fetch(
    new Request(`${ORIGIN}${edge.base}/events${query}`, {
      headers: { authorization: `Bearer ${token}`, accept: "text/event-stream", ...headers },
    }),
  );
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  return new Reader(response.body ?? new ReadableStream());
}

describe("the stream of events", () => {
  it("has each event as it happens, once and in order, over a restart of the project", async () => {
    const stream = await open();
    const { deploy } = await edge.world.push();
    const [first] = await stream.until("deploy.queued");
    await evictDurableObject(env.PROJECT.getByName(edge.world.key));
    await edge.world.ended(deploy?.id ?? "");
    const rest = await stream.until("deploy.succeeded");
    await stream.leave();
    const events = await edge.world.events();
    const expected = events.filter(({ sequence }) => sequence >= Number(first?.id));
    const ids = [first, ...rest].map((message) => Number(message?.id));
    expect(rest.at(-1)?.data).toBe(
      JSON.stringify(events.find(({ type }) => type === "deploy.succeeded")),
    );
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    expect(ids.length).toBeGreaterThan(5);
    expect(expected.map(({ sequence }) => sequence)).toEqual(expect.arrayContaining(ids));
  });

  it("goes on where a client was that comes again", async () => {
    const { deploy } = await edge.world.push();
    await edge.world.ended(deploy?.id ?? "");
    const events = await edge.world.events();
    const stream = await open("?after=0", { headers: { "last-event-id": "3" } });
    const got = await stream.until("deploy.succeeded");
    await stream.leave();
    expect(got.map(({ id }) => Number(id))).toEqual(
      events.map(({ sequence }) => sequence).filter((n) => n > 3 && n <= Number(got.at(-1)?.id)),
    );
    const bad = { accept: "text/event-stream", "last-event-id": "x" };
    expectProblem(await edge.on("GET", "/events", { headers: bad }), 400, "header_invalid");
  });

  it("of one deploy begins with its first event and ends with it", async () => {
    const before = await edge.world.push({ branch: "other" });
    const { deploy } = await edge.world.push();
    const stream = await open(`?deploy=${deploy?.id}`);
    expect((await stream.next())?.event).toBe("deploy.queued");
    await edge.world.ended(before.deploy?.id ?? "");
    await edge.world.ended(deploy?.id ?? "");
    const got = await stream.until("end");
    expect(await stream.next()).toBeNull();
    expect(JSON.parse(got.at(-1)?.data ?? "")).toEqual({ reason: "The deploy has ended." });
    expect(got.at(-2)?.event).toBe("deploy.succeeded");
    const about = got.slice(0, -1).map(({ data }) => JSON.parse(data).data.deploy.id as string);
    expect(new Set(about)).toEqual(new Set([deploy?.id]));
    const list = await edge.on("GET", `/events?deploy=${deploy?.id}`);
    expect(list.body.items.length).toBe(got.length);
    const headers = { accept: "text/event-stream" };
    expectProblem(await edge.on("GET", "/events?deploy=x", { headers }), 404, "deploy_not_found");
  });

  it("ends for a token that is revoked, and for a project that is removed", async () => {
    const { id, token } = await edge.projectToken("read");
    const revoked = await open("", { token });
    const stays = await open();
    await edge.on("POST", "/deploys", { json: {} });
    await revoked.until("deploy.queued");
    await stays.until("deploy.queued");
    expect((await edge.on("DELETE", `/tokens/${id}`)).status).toBe(204);
    await revoked.until("end");
    expect(await revoked.next()).toBeNull();
    expect((await edge.send("DELETE", edge.base)).status).toBe(204);
    await stays.until("end");
    expect(await stays.next()).toBeNull();
  });

  it("keeps two viewers and lets go of one that leaves", async () => {
    const [one, two] = [await open(), await open()];
    await edge.world.push();
    await one.until("deploy.queued");
    await two.until("deploy.queued");
    await one.leave();
    await edge.world.push({ branch: "next" });
    expect((await two.until("deploy.queued")).length).toBeGreaterThan(0);
    await two.leave();
    const sockets = await edge.world.inside((_, state) => state.getWebSockets().length);
    expect(sockets).toBeLessThanOrEqual(2);
  });
});
