import { exports } from "cloudflare:workers";

import { ORIGIN } from "../api/edge.ts";

export interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What a page says, without its markup. */
export function words(html: string): string {
  return html
    .replaceAll(/<[^>]+>/g, "")
    .replaceAll("\u00A0", " ")
    .replaceAll(/\s+/g, " ");
}

/** A browser with its cookies, as far as pages need one. */
export class Visit {
  readonly cookies = new Map<string, string>();
  readonly #always: Record<string, string>;

  /** What somebody between the browser and us adds to every request. */
  constructor(always: Record<string, string> = {}) {
    this.#always = always;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.#send(path, { headers });
  }

  /** A form of one of our pages, with the tag of this session unless another is given. */
  async post(
    path: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<Page> {
    const csrf = fields["csrf"] ?? (await this.csrf());
    return this.send(path, new URLSearchParams({ ...fields, csrf }).toString(), headers);
  }

  /** A body that is said to be a form. */
  async send(path: string, body: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.#send(path, {
      method: "POST",
      headers: { origin: ORIGIN, "content-type": "application/x-www-form-urlencoded", ...headers },
      body,
    });
  }

  async signIn(token: string, more: Record<string, string> = {}): Promise<Page> {
    return this.post("/sign-in", { token, csrf: "", ...more });
  }

  async csrf(): Promise<string> {
    const { text } = await this.get("/settings");
    return /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? "";
  }

  /** A stream of one of our pages, and what it is refused with otherwise. */
  async listen(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#ask(path, { headers: { accept: "text/event-stream", ...headers } });
  }

  async #send(path: string, init: RequestInit): Promise<Page> {
    const response = await this.#ask(path, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers({
      accept: "text/html",
      ...this.#always,
      ...(init.headers as Record<string, string>),
    });
    headers.set("cookie", [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const request = new Request(`${ORIGIN}${path}`, { ...init, headers, redirect: "manual" });
    const response = await exports.default.fetch(request);
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.cookies.set(name, value);
    }
    return response;
  }
}
