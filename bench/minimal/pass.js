import { DurableObject } from "cloudflare:workers";

/** The least that passes calls on as streams, under their own credentials: what the gateway's asset routes are held against. */
export default {
  async fetch(request, env) {
    const { method, headers, body, url } = request;
    const { pathname } = new URL(url);
    if (!pathname.startsWith("/client/v4/")) {
      return new Response("ready");
    }
    const path = pathname.slice("/client/v4".length);
    return fetch(env.CLOUDFLARE_API_BASE_URL + path, { method, headers, body });
  },
};

/** The configuration of the runtime names these. */
export class Project extends DurableObject {}
export class Instance extends DurableObject {}
