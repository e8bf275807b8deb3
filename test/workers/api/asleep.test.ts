import { env, exports } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Visit } from "../dashboard/visit.ts";
import { Edge, leave, ORIGIN } from "./edge.ts";
import { Reader } from "./reader.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

interface Way {
  readonly open: () => Promise<Response>;
  /** What it hears as soon as it listens, and then of a push. */
  readonly first: string;
  readonly next: string;
}

const WAYS: Record<string, Way> = {
  "an open stream of events": {
    open: () =>
      exports.default.fetch(
        new Request(`${ORIGIN}${edge.base}/events?after=0`, {
          headers: { authorization: `Bearer ${edge.token}`, accept: "text/event-stream" },
        }),
      ),
    first: "project.registered",
    next: "deploy.queued",
  },
  "an open page": {
    open: async () => {
      const visit = new Visit();
      await visit.signIn(edge.token);
      return visit.listen(`/projects/${edge.world.name}/live`);
    },
    first: "news",
    next: "news",
  },
  "an open overview": {
    open: async () => {
      const visit = new Visit();
      // Of this project alone: others are not to be what is heard.
      const { token } = await edge.projectToken("read");
      await visit.signIn(token, { project: edge.world.name });
      return visit.listen("/live");
    },
    first: "news",
    next: "news",
  },
};

describe("a project sleeps", () => {
  it.each(Object.entries(WAYS))("beside %s, which hears of what wakes it", async (_, way) => {
    const response = await way.open();
    const stream = new Reader(response.body ?? new ReadableStream());
    await stream.until(way.first);
    expect(await marked()).toBe(1);

    await evictDurableObject(env.PROJECT.getByName(edge.world.key));
    // Its memory is gone; the socket is the one it had, which nobody had to open again.
    expect(await found()).toEqual({ memory: false, sockets: ["before"] });

    await edge.world.push();
    await stream.until(way.next);
    expect(await found()).toEqual({ memory: false, sockets: ["before"] });
    await stream.leave();
  });
});

/** Leaves a mark in the object's memory, and one on each socket, which outlives it; says how many of those there are. */
function marked(): Promise<number> {
  return edge.world.inside((project, state) => {
    Object.assign(project, { awake: true });
    const sockets = state.getWebSockets();
    sockets.forEach((socket) => socket.serializeAttachment("before"));
    return sockets.length;
  });
}

function found(): Promise<{ memory: boolean; sockets: unknown[] }> {
  return edge.world.inside((project, state) => ({
    memory: "awake" in project,
    sockets: state.getWebSockets().map((socket) => socket.deserializeAttachment() as unknown),
  }));
}
