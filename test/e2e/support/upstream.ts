import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createSandbox } from "../../../sandbox/app.ts";
import type { Sandbox } from "../../../sandbox/types.ts";

/** A request to Cloudflare's API as it came over the wire. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A sandbox that writes down everything it is sent, and can be made to answer something else. */
export class Upstream {
  readonly url: string;
  readonly sandbox: Sandbox;
  readonly seen: Seen[] = [];
  /** What to answer instead; null lets the sandbox. */
  instead: (seen: Seen) => Response | null = () => null;
  readonly #server: Server;

  private constructor(sandbox: Sandbox, server: Server) {
    this.sandbox = sandbox;
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const listener = getRequestListener(async (request) => this.#answer(request), {
      overrideGlobalObjects: false,
    });
    server.on("request", (incoming, outgoing) => void listener(incoming, outgoing));
  }

  /** @param token what it takes for Cloudflare's API token */
  static async start(token: string): Promise<Upstream> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return new Upstream(createSandbox({ token, speed: { factor: 0.1 } }), server);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: Request): Promise<Response> {
    const { method, url } = request;
    const headers = Object.fromEntries(request.headers);
    const body = await request.text();
    const seen = { method, url, headers, body };
    this.seen.push(seen);
    return (
      this.instead(seen) ??
      this.sandbox.fetch(new Request(url, { method, headers, ...(body === "" ? {} : { body }) }))
    );
  }
}
