import { Buffer } from "node:buffer";
import { DurableObject } from "cloudflare:workers";

/** The least that takes a signed push and answers once it is durable: what Signalbox's hooks are held against. */
export default {
  async fetch(request, env) {
    if (request.method !== "POST") {
      return new Response("ready");
    }
    const body = await request.arrayBuffer();
    const signature = (request.headers.get("x-hub-signature-256") ?? "").slice("sha256=".length);
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const secret = new TextEncoder().encode(env.SECRET);
    const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["verify"]);
    if (!(await crypto.subtle.verify("HMAC", key, Buffer.from(signature, "hex"), body))) {
      return new Response(null, { status: 401 });
    }
    const { ref, after } = JSON.parse(new TextDecoder().decode(body));
    const project = new URL(request.url).pathname;
    const id = await env.PROJECT.getByName(project).accept(ref, after);
    return Response.json({ id }, { status: 202 });
  },
};

const HOUR_MS = 3_600_000;

export class Project extends DurableObject {
  #wakes = Infinity;

  constructor(state, env) {
    super(state, env);
    state.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS deploys (id INTEGER PRIMARY KEY, ref TEXT NOT NULL, commit_hash TEXT NOT NULL)",
    );
  }

  accept(ref, commit) {
    const { sql } = this.ctx.storage;
    const { id } = sql
      .exec("INSERT INTO deploys (ref, commit_hash) VALUES (?, ?) RETURNING id", ref, commit)
      .one();
    const due = Date.now() + HOUR_MS;
    if (due < this.#wakes) {
      this.#wakes = due;
      void this.ctx.storage.setAlarm(due);
    }
    return id;
  }

  alarm() {}
}

/** The configuration of the runtime names it. */
export class Instance extends DurableObject {}
