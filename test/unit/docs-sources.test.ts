/// <reference types="vite/types/importMeta.d.ts" />
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";

import { requestDeploy } from "../../docs/examples/sign-standard-webhook.ts";
import type { KnownHook } from "../../src/hooks/cache.ts";
import { decide } from "../../src/hooks/decide.ts";
import type { Delivery } from "../../src/hooks/delivery.ts";
import { skipWordIn } from "../../src/hooks/rules.ts";
import { findSource, provenBy, SOURCE_NAMES } from "../../src/hooks/sources/index.ts";
import { chooseMode } from "../../src/hooks/sources/modes.ts";
import type { Source } from "../../src/hooks/sources/source.ts";
import { checkSecret, newSecret } from "../../src/hooks/verify/new-secret.ts";
import { verifyStandard } from "../../src/hooks/verify/standard.ts";
import { HookSettings } from "../../src/project/hook-settings.ts";
import { utf8 } from "../../src/security/encoding.ts";

const texts: Record<string, string> = import.meta.glob(
  ["../../README.md", "../../docs/*.md", "../../docs/sources/*.md"],
  { query: "?raw", import: "default", eager: true },
);
/** Only the names are looked at. */
const files = Object.keys(
  import.meta.glob(["../../*.md", "../../docs/**/*", "../../src/**/*.ts", "../../test/**/*"]),
);

const README = "../../README.md";
const FOLDER = "../../docs/sources/";
const pages = Object.keys(texts).filter((path) => path.startsWith(FOLDER));
const textOf = (path: string): string => texts[path] ?? "";

function sourceOf(name: string): Source {
  const source = findSource(name);
  if (source === null) {
    throw new Error(`there is no source ${name}`);
  }
  return source;
}

/** The part of a page under a heading, up to the next heading. */
function under(text: string, heading: string): string {
  const [, rest = ""] = text.split(`\n${heading}\n`);
  return rest.split(/\n#+ /)[0] ?? "";
}

interface Row {
  readonly branchFrom: string;
  readonly deploys: string;
  readonly page: string;
}

/** The README's table of sources, by name. */
const table = new Map<string, Row>(
  under(textOf(README), "### Sources")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const cells = line.split("|").map((cell) => cell.trim());
      const [, name = "", , , branchFrom = "", deploys = "", link = ""] = cells;
      const [, page = ""] = /\((docs\/sources\/[^)]+)\)/.exec(link) ?? [];
      return [name.replaceAll("`", ""), { branchFrom, deploys, page: `../../${page}` }];
    }),
);

describe("the README's table of sources", () => {
  it("has every source, in the order of the list, and nothing else", () => {
    expect([...table.keys()]).toEqual(SOURCE_NAMES);
  });

  it.each([...table])("says of %s what the code says", (name, { branchFrom, deploys }) => {
    const source = sourceOf(name);
    const plain = (text: string): string => text.replaceAll("`", "").toLowerCase();
    expect(plain(branchFrom)).toBe(plain(source.branchFrom));
    const [first] = source.events;
    const told = first === "**" ? ["everything"] : source.events;
    expect(told.filter((event) => !plain(deploys).includes(event.toLowerCase()))).toEqual([]);
  });
});

describe("the pages of sources", () => {
  it.each([...table])("name every mode of %s", (name, { page }) => {
    expect(pages).toContain(page);
    const modes = Object.keys(sourceOf(name).modes);
    expect(modes.filter((mode) => !textOf(page).includes(`\`${mode}\``))).toEqual([]);
  });

  it.each([...table])("have a line that makes a hook of %s", (name, { page }) => {
    expect(hooksMadeIn(textOf(page)).map(({ source }) => source)).toContain(name);
  });

  it.each(pages)("make hooks that can be made: %s", (page) => {
    for (const { source: name, auth, secret, ...rest } of hooksMadeIn(textOf(page))) {
      const source = sourceOf(String(name));
      const settings = HookSettings.parse({ ...rest, ...(auth !== undefined && { auth }) });
      expect(chooseMode(source, settings.auth)).toMatchObject({ ok: true });
      expect(rest["events"] === undefined || source.kind !== "git").toBe(true);
      expect(rest["fields"] === undefined || source.takesFields).toBe(true);
      const known = [...Object.keys(HookSettings.shape), "repository", "branch", "description"];
      expect(Object.keys(rest).filter((field) => !known.includes(field))).toEqual([]);
      // What stands in angle brackets is filled in by the reader.
      expect(secret === undefined || /^"<.+>"$/.test(JSON.stringify(secret))).toBe(true);
    }
  });

  it("give as words that skip a build what is looked for", () => {
    const rules = under(textOf(`${FOLDER}README.md`), "## Rules");
    const words = rules.match(/\[[^\]`]+\](?=`)|\*{3}[^*]+\*{3}/g) ?? [];
    expect(words.length).toBeGreaterThan(5);
    expect(words.map((word) => skipWordIn(`Fix it ${word}`))).toEqual(words);
  });
});

function hooksMadeIn(text: string): Record<string, unknown>[] {
  return [...text.matchAll(/-d '(\{"source":[^']*)'/g)].map(
    ([, json = ""]) => JSON.parse(json) as Record<string, unknown>,
  );
}

describe("links", () => {
  const linking: [path: string, text: string][] = pages.map((path) => [path, textOf(path)]);
  linking.push([README, under(textOf(README), "### Sources")]);

  it.each(linking)("lead somewhere: %s", (path, text) => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const local = targets.filter((target) => !target.startsWith("https://"));
    expect(local.filter((target) => !leads(path, target))).toEqual([]);
  });

  it("would be found broken", () => {
    const page = `${FOLDER}README.md`;
    expect(leads(page, "github.md")).toBe(true);
    expect(leads(page, "../../README.md#sources")).toBe(true);
    expect(leads(page, "#rules")).toBe(true);
    expect(leads(page, "gitbub.md")).toBe(false);
    expect(leads(page, "../../README.md#sauces")).toBe(false);
  });
});

function leads(from: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? from : resolve(from, path);
  const isThere = files.includes(file) || files.some((name) => name.startsWith(`${file}/`));
  return isThere && (anchor === undefined || anchorsOf(textOf(file)).includes(anchor));
}

/** Relative to this file, as the names of files are. */
function resolve(from: string, path: string): string {
  const root = "https://x.test/a/b/";
  const { pathname } = new URL(path, new URL(from, root));
  return `../..${pathname.replace(/\/$/, "")}`;
}

/** Headings as GitHub makes anchors of them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const STANDARD = { kind: "standard", prefixes: ["webhook-"] } as const;
const SECRET = newSecret(STANDARD);
const HOOK_URL = "https://signalbox.test/hooks/blog/5entinel";
const ACCEPTED = { results: [{ branch: "main", outcome: "queued" }], reason: null };

/** Where the example posts to: keeps what came, as a door would see it. */
class Door {
  readonly deliveries: Delivery[] = [];
  readonly #answer: () => Response;

  constructor(answer: () => Response = () => Response.json(ACCEPTED, { status: 202 })) {
    this.#answer = answer;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const { pathname: path, search } = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    this.deliveries.push({ method: request.method, path, search, headers: request.headers, body });
    return this.#answer();
  };

  last(): Delivery {
    const last = this.deliveries.at(-1);
    if (last === undefined) {
      throw new Error("nothing came");
    }
    return last;
  }
}

describe("the example that signs", () => {
  const hook = { url: HOOK_URL, secret: SECRET };
  const verified = (delivery: Delivery, secret = SECRET, now = Date.now()): Promise<object> =>
    verifyStandard(STANDARD, [secret], delivery, now);

  it.each([{}, { title: "Ünïcödé 🚦 \u2028" }, { text: 'a\r\nb\t"\u0000' }, { deep: [[{}]] }])(
    "is believed: %j",
    async (event) => {
      const door = new Door();
      await requestDeploy(hook, event, door);
      const delivery = door.last();
      expect(delivery.method).toBe("POST");
      expect(JSON.parse(new TextDecoder().decode(delivery.body))).toEqual(event);
      expect(await verified(delivery)).toMatchObject({ ok: true });
      const { headers, body } = delivery;
      new Webhook(SECRET).verify(new TextDecoder().decode(body), Object.fromEntries(headers));
      const wrong = [
        verified({ ...delivery, body: utf8(`${new TextDecoder().decode(body)} `) }),
        verified(delivery, newSecret(STANDARD)),
        verified(delivery, SECRET, Date.now() + 301_000),
      ];
      for (const verdict of await Promise.all(wrong)) {
        expect(verdict).toMatchObject({ ok: false });
      }
    },
  );

  it("gets a deploy from the hook that Payload's page makes", async () => {
    const [made] = hooksMadeIn(textOf(`${FOLDER}payload.md`));
    const settings = HookSettings.parse({ fields: made?.["fields"] });
    const known: KnownHook = {
      id: "hok_1",
      source: String(made?.["source"]),
      repository: null,
      branch: null,
      settings,
      secrets: [SECRET],
      awaiting_secret: false,
      revision: 1,
      paused: false,
      fresh: true,
    };
    const { source, scheme } = provenBy(known);
    const door = new Door();
    await requestDeploy(hook, { event: "posts.changed", actor: "ada@blog.test" }, door);
    const decision = await decide(known, source, scheme, door.last(), Date.now());
    expect(decision).toMatchObject({
      kind: "triggers",
      delivery: door.last().headers.get("webhook-id"),
      parts: [
        {
          outcome: "deploy",
          branch: null,
          trigger: { commit_message: "Standard Webhooks: posts.changed", actor: "ada@blog.test" },
        },
      ],
    });
  });

  it("answers what became of it, and has an id of its own each time unless it is given one", async () => {
    const door = new Door();
    expect(await requestDeploy(hook, {}, door)).toEqual(ACCEPTED);
    await requestDeploy(hook, {}, door);
    await requestDeploy(hook, {}, { fetch: door.fetch, id: "again" });
    await requestDeploy(hook, {}, { fetch: door.fetch, id: "again" });
    const ids = door.deliveries.map(({ headers }) => headers.get("webhook-id"));
    expect(new Set(ids.slice(0, 2)).size).toBe(2);
    expect(ids.slice(2)).toEqual(["again", "again"]);
  });

  it.each<[number, string, RegExp]>([
    [401, '{"detail":"webhook-signature does not match."}', /401: webhook-signature does not/],
    [404, '{"detail":7}', /404: no reason was given/],
    [302, "", /302: no reason was given/],
    [502, "<html>", /502: no reason was given/],
  ])(
    "throws when the answer is %d, without a secret in the message",
    async (status, text, message) => {
      const door = new Door(() => new Response(text === "" ? null : text, { status }));
      const failed = await requestDeploy(hook, {}, door).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(Error);
      expect(String(failed)).toMatch(message);
      expect(String(failed)).not.toContain(SECRET);
      expect(String(failed)).not.toContain("5entinel");
    },
  );

  it("takes the secrets that Signalbox makes, which it would take back", () => {
    expect(checkSecret(STANDARD, SECRET)).toBeNull();
  });
});
