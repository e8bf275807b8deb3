import { Buffer } from "node:buffer";
import { DurableObject } from "cloudflare:workers";

/** The least that tells a signed push from a forged one, and keeps nothing: what refusals are held against. */
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
    const real = await crypto.subtle.verify("HMAC", key, Buffer.from(signature, "hex"), body);
    return new Response(null, { status: real ? 202 : 401 });
  },
};

/** The configuration of the runtime names these. */
export class Project extends DurableObject {}
export class Instance extends DurableObject {}
