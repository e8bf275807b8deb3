import type { Deploy, Event } from "../../src/project/shapes.ts";
import { expectOk, send } from "./http.ts";
import type { Reply } from "./http.ts";
import { until } from "./wait.ts";

/** Signalbox's API `/v1`, as a script uses it. */
export class Signalbox {
  readonly url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
  }

  /** Any request, whatever the answer. A body that is neither text nor a form goes as JSON. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const plain = typeof body === "string" || body instanceof FormData || body === undefined;
    return send(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(plain ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: plain ? body : JSON.stringify(body) }),
    });
  }

  /** The same for a request that must succeed. */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    return expectOk<T>(`${method} ${path}`, await this.send(method, path, body));
  }

  async deploy(project: string, id: string): Promise<Deploy> {
    return this.ask("GET", `/v1/projects/${project}/deploys/${id}`);
  }

  /** The deploy at its end; throws when that does not come within a minute. */
  async ended(project: string, id: string): Promise<Deploy> {
    const deploy = await this.ask<Deploy>("GET", `/v1/projects/${project}/deploys/${id}?wait=60`);
    if (deploy.ended_at === null) {
      throw new Error(`#${deploy.number} of ${project} is still ${deploy.status} after a minute.`);
    }
    return deploy;
  }

  /** Waits until there are so many calls to be had that none is put off. */
  async calls(level: number): Promise<void> {
    await until(`${level} calls to Cloudflare`, async () => {
      const budget = await this.ask<{ level: number }>("GET", "/v1/budget");
      return budget.level >= level;
    });
  }

  /** All of them, newest first. */
  async deploys(project: string): Promise<Deploy[]> {
    const found: Deploy[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: { items: Deploy[]; next_cursor: string | null } = await this.ask(
        "GET",
        `/v1/projects/${project}/deploys?limit=100${cursor === "" ? "" : `&cursor=${cursor}`}`,
      );
      found.push(...page.items);
      cursor = page.next_cursor;
    }
    return found;
  }

  /** All of them, oldest first. */
  async events(project: string): Promise<Event[]> {
    const found: Event[] = [];
    for (let after = 0; ;) {
      const page: { items: Event[]; next_after: number } = await this.ask(
        "GET",
        `/v1/projects/${project}/events?after=${after}&limit=500`,
      );
      if (page.items.length === 0) {
        return found;
      }
      found.push(...page.items);
      after = page.next_after;
    }
  }
}
