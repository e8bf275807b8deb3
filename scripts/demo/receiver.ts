import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { Event } from "../../src/project/shapes.ts";

/** A delivery whose signature was found right. */
export interface Heard {
  readonly event: Event;
  readonly attempt: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What to answer; `never` leaves the sender waiting. */
export type ReceiverAnswer = { readonly status: number; readonly body?: string } | "never";

/** Somebody who is told: takes deliveries and checks each with the `standardwebhooks` package, knowing nothing of ours. */
export class Receiver {
  readonly url: string;
  readonly heard: Heard[] = [];
  /** Why deliveries were not believed. */
  readonly refused: string[] = [];
  onHeard: (heard: Heard) => void = () => undefined;
  answer: (heard: Heard) => ReceiverAnswer = () => ({ status: 204 });
  readonly #server: Server;
  #webhook: Webhook | null = null;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    server.on("request", (request, response) => void this.#take(request, response));
  }

  /** Listens on a free port of this machine. */
  static async start(): Promise<Receiver> {
    // A connection that is closed for being idle, just as it is used again, would cost its event the first attempt and its place.
    const server = createServer({ keepAliveTimeout: 0 });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return new Receiver(server);
  }

  /** Believes what is signed with this secret. */
  trust(secret: string): void {
    this.#webhook = new Webhook(secret);
  }

  /** Every event once, in the order in which each came first. */
  events(): Event[] {
    const byId = new Map<string, Event>();
    for (const { event } of this.heard) {
      if (!byId.has(event.id)) {
        byId.set(event.id, event);
      }
    }
    return [...byId.values()];
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request).catch(() => null);
    if (body === null) {
      // The sender was cut off; it will come again.
      return;
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    let heard: Heard;
    try {
      const event = this.#webhook?.verify(body, headers) as Event;
      heard = { event, attempt: Number(headers["signalbox-attempt"]), headers, body };
    } catch (error) {
      this.refused.push(error instanceof Error ? error.message : String(error));
      response.writeHead(401).end();
      return;
    }
    this.heard.push(heard);
    const answer = this.answer(heard);
    if (answer !== "never") {
      response.writeHead(answer.status, { "content-type": "text/plain" }).end(answer.body ?? "");
    }
    this.onHeard(heard);
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
