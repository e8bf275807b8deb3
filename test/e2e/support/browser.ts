import { expect } from "vitest";
import { send, type Reply } from "../../../scripts/demo/http.ts";
import type { LeakyWorld } from "./leaky.ts";

const LINK = /<a\b[^>]*\bhref="(\/[^"#]*)/g;
const SHOWN = /<output class="value"[^>]*aria-label="([^"]*)">([^<]*)</g;
/** What differs from page to page of one kind. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/\?.*$/, ""],
  [/\b(?:hok|sub|sch|tok|dlv|lck|evt|trg|dpl|acr)_[0-9A-Za-z]+/g, "*"],
  [/\b[0-9a-f]{32}\b/, "*"],
  [/\/deploys\/\d+/, "/deploys/*"],
];

/** The owner, signed in to the dashboard of a world, who looks at whatever there is a link to. */
export class Browser {
  readonly #world: LeakyWorld;
  #cookie = "";
  /** What pages of one kind have for an address. */
  readonly kinds = new Set<string>();

  constructor(world: LeakyWorld) {
    this.#world = world;
  }

  async signIn(token: string): Promise<void> {
    const [cookie = ""] = (await this.#post("/sign-in", { token })).headers.getSetCookie();
    const [, value = ""] = /^signalbox=([^;]+)/.exec(cookie) ?? [];
    this.#world.shown("the session", value);
    this.#cookie = `signalbox=${value}`;
    await this.look("/settings");
  }

  /** Every page that links lead to, from `start` on. */
  async readAll(start: string, limit = 400): Promise<void> {
    const found = new Set([start]);
    // What is added meanwhile is visited too.
    for (const path of found) {
      expect(found.size, "pages without end").toBeLessThan(limit);
      const reply = this.#world.note(await this.#get(path));
      expect([path, reply.status < 400]).toEqual([path, true]);
      this.kinds.add(PARTS.reduce((kind, [part, word]) => kind.replace(part, word), path));
      for (const [, href = ""] of reply.text.matchAll(LINK)) {
        found.add(href.replaceAll("&amp;", "&"));
      }
    }
  }

  async look(path: string): Promise<Reply> {
    return this.#world.note(await this.#get(path));
  }

  /** Sends a form; what came of it is written down, but for what these fields show in it, once. */
  async send(
    path: string,
    fields: Record<string, string>,
    shownOnce: readonly string[] = [],
  ): Promise<Record<string, string>> {
    const csrf = /name="csrf" value="([^"]+)"/.exec((await this.#get("/settings")).text)?.[1];
    const reply = await this.#post(path, { ...fields, csrf: csrf ?? "" });
    const values = [...reply.text.matchAll(SHOWN)].map(([, label = "", value = ""]) => [
      label,
      value.replaceAll("&amp;", "&"),
    ]);
    const shown = Object.fromEntries(
      values.filter(([label = ""]) => shownOnce.includes(label)),
    ) as Record<string, string>;
    expect(Object.keys(shown)).toEqual(shownOnce);
    const rest = Object.values(shown).reduce(
      (text, value) => text.replaceAll(value, ""),
      reply.text,
    );
    this.#world.note({ ...reply, text: rest });
    return shown;
  }

  /** The first words of a stream that does not end. */
  async begin(path: string): Promise<void> {
    const stop = new AbortController();
    const headers = { cookie: this.#cookie, accept: "text/event-stream" };
    const { signal } = stop;
    const response = await fetch(this.#world.worker.url + path, { headers, signal });
    const reader = response.body?.getReader();
    let text = "";
    for (const words = new TextDecoder(); !text.includes("event: news");) {
      const { value, done } = (await reader?.read()) ?? { done: true, value: undefined };
      expect(done).toBe(false);
      text += words.decode(value, { stream: true });
    }
    stop.abort();
    this.#world.note(
      this.#world.hear({ status: response.status, headers: response.headers, text, json: null }),
    );
  }

  async #get(path: string): Promise<Reply> {
    const headers = { cookie: this.#cookie, accept: "text/html" };
    return this.#world.hear(await send(this.#world.worker.url + path, { headers }));
  }

  async #post(path: string, fields: Record<string, string>): Promise<Reply> {
    const { url } = this.#world.worker;
    const headers = {
      cookie: this.#cookie,
      accept: "text/html",
      origin: url,
      "content-type": "application/x-www-form-urlencoded",
    };
    const body = new URLSearchParams(fields).toString();
    return this.#world.hear(await send(url + path, { method: "POST", headers, body }));
  }
}
