import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { app } from "../../../src/app.ts";
import { receive } from "../../../src/project/receive.ts";
import { Edge, leave, ORIGIN } from "./edge.ts";
import { makeHook } from "./github.ts";

/** A body of which nothing comes but what is sent by hand. */
class Slow {
  cancelled = false;
  #controller: ReadableByteStreamController | null = null;
  readonly stream: ReadableStream<Uint8Array>;

  constructor() {
    this.stream = new ReadableStream({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.cancelled = true;
      },
    });
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#controller?.enqueue(bytes);
  }
}

const BRACE = (): Uint8Array<ArrayBuffer> => new Uint8Array([0x7b]);

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(() => {
  fake("Date");
  leave();
});

/** From here on these stand still, but for what a test lets pass. */
function fake(...what: ("Date" | "setTimeout" | "clearTimeout")[]): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: what });
  vi.setSystemTime(now);
}

/** Until somebody waits. */
async function waiting(): Promise<void> {
  for (let n = 0; vi.getTimerCount() === 0 && n < 2_000; n++) {
    await scheduler.wait(1);
  }
  expect(vi.getTimerCount()).toBeGreaterThan(0);
}

describe("a body that does not come to its end", () => {
  const doors: [string, (edge: Edge) => Promise<string> | string, string][] = [
    ["the API", ({ base }) => `${base}/locks`, "application/json"],
    ["the API, for a deploy", ({ base }) => `${base}/deploys`, "application/json"],
    ["a hook", async (at) => new URL((await makeHook(at)).url).pathname, "application/json"],
    [
      "the gateway",
      ({ config, world }) =>
        `/client/v4/accounts/${config.accountId}/pages/projects/${world.name}/domains`,
      "application/json",
    ],
    ["the sign-in page", () => "/sign-in", "application/x-www-form-urlencoded"],
  ];

  describe.each(doors)("for %s", (_, path, type) => {
    it.each([
      ["stops", 0],
      ["dribbles", 5],
    ])("is cut off after 30 s, whether it %s, and leaves nothing", async (_how, pieces) => {
      const at = await path(edge);
      const before = await edge.trace();
      const body = new Slow();
      body.send(BRACE());
      const request = new Request(`${ORIGIN}${at}`, {
        method: "POST",
        body: body.stream,
        headers: { authorization: `Bearer ${edge.token}`, "content-type": type, origin: ORIGIN },
      });
      fake("Date", "setTimeout", "clearTimeout");
      const answering = Promise.resolve(app.fetch(request, env, createExecutionContext()));
      await waiting();
      for (let n = 0; n < pieces; n++) {
        await vi.advanceTimersByTimeAsync(5_000);
        body.send(BRACE());
      }
      await vi.advanceTimersByTimeAsync(30_000 - pieces * 5_000 - 1);
      expect(body.cancelled).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      const response = await answering;
      expect(response.status).toBe(408);
      expect(await response.text()).toContain("not whole after 30 seconds");
      expect(body.cancelled).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
      expect(await edge.trace()).toEqual(before);
    });
  });
});

describe("an upload", () => {
  /** Stored inside the object, where its time can be let pass. */
  async function stored(play: (body: Slow) => Promise<void>): Promise<unknown> {
    fake("Date", "setTimeout", "clearTimeout");
    return edge.world.inside(async ({ context }) => {
      const body = new Slow();
      const storing = receive(context, "upl_x", "multipart/form-data; boundary=x", body.stream);
      await play(body);
      const answer = await storing;
      expect(body.cancelled).toBe(true);
      expect(context.sql.all("SELECT id FROM uploads")).toEqual([]);
      expect(context.sql.all("SELECT n FROM upload_chunks")).toEqual([]);
      return answer;
    });
  }
  const INCOMPLETE = { ok: false, error: { code: "upload_incomplete" } };

  it("of which nothing comes for 30 s is given up, and what was stored of it goes", async () => {
    const answer = await stored(async (body) => {
      body.send(new Uint8Array(2_000_000));
      await vi.advanceTimersByTimeAsync(29_999);
      expect(body.cancelled).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
    });
    expect(answer).toMatchObject(INCOMPLETE);
  });

  it("that does not fill a row in two minutes is given up, however often something comes", async () => {
    let sent = 0;
    const answer = await stored(async (body) => {
      while (!body.cancelled && sent < 20) {
        body.send(BRACE());
        sent += 1;
        await vi.advanceTimersByTimeAsync(20_000);
      }
    });
    expect(answer).toMatchObject(INCOMPLETE);
    expect(sent).toBeLessThanOrEqual(8);
  });
});
