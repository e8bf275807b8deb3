import { sign } from "@octokit/webhooks-methods";
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_BRANCH, deliver, PUSH, REPOSITORY } from "../../scripts/demo/github.ts";
import type { Reply } from "../../scripts/demo/http.ts";
import { send } from "../../scripts/demo/http.ts";
import { BAD_FORMS, GOOD_FORM, NOT_UTF8 } from "./support/bad-forms.ts";
import type { Body } from "./support/bad-forms.ts";
import { objectFiles, rowCounts } from "./support/objects.ts";
import { BOUNDARY, FORM } from "./support/raw.ts";
import { World } from "./support/world.ts";
import type { Hook } from "./support/world.ts";

/** Bad input leaves nothing behind: no row in any object, no new object, no call to Cloudflare. */

let world: World;
let hook: Hook;
/** Deleted after its URL was made. */
let gone: Hook;
const tokens = { reader: "", elsewhere: "" };

beforeAll(async () => {
  world = await World.start();
  const { pages, signalbox } = world;
  await pages.addProject({ name: "input", source: REPOSITORY, production_branch: DEFAULT_BRANCH });
  await signalbox.ask("PUT", "/v1/projects/input", { native_builds: "off" });
  const make = <T>(path: string, body: unknown): Promise<T> =>
    signalbox.ask("POST", `/v1/projects/${path}`, body);
  hook = await make("input/hooks", { source: "github", repository: REPOSITORY });
  gone = await make("input/hooks", { source: "github" });
  await signalbox.send("DELETE", `/v1/projects/input/hooks/${gone.id}`);
  ({ token: tokens.reader } = await make("input/tokens", { scopes: ["read"] }));
  ({ token: tokens.elsewhere } = await make("site/tokens", { scopes: ["manage"] }));
});
afterAll(async () => {
  await world.stop();
});

async function traces(): Promise<unknown> {
  const { requests } = await world.pages.journal();
  const objects = [...objectFiles(world.dir, "Project"), ...objectFiles(world.dir, "Instance")];
  return { rows: rowCounts(world.dir), objects, calls: requests.length };
}

/** A status and a code, and nothing left behind. */
async function refused(request: () => Promise<Reply>, status: number, code: string): Promise<void> {
  const before = await traces();
  const reply = await request();
  expect(reply.json).toMatchObject({ status, code });
  expect(reply.status).toBe(status);
  expect(reply.headers.get("content-type")).toBe("application/problem+json");
  expect(await traces()).toEqual(before);
}

function post(path: string, body: Body, headers: Record<string, string> = {}): Promise<Reply> {
  return send(world.signalbox.url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${world.stack.info.token}`,
      "content-type": "application/json",
      ...headers,
    },
    body,
  });
}

describe("a token", () => {
  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
  test.each<[string, () => Record<string, string>, number, string]>([
    ["that is missing", () => ({ authorization: "" }), 401, "token_missing"],
    ["that is anything", () => bearer("anything"), 401, "invalid_token"],
    ["with one letter changed", () => bearer(flipped(tokens.reader)), 401, "invalid_token"],
    ["of another project", () => bearer(tokens.elsewhere), 401, "invalid_token"],
    ["with too small a scope", () => bearer(tokens.reader), 403, "insufficient_scope"],
  ])("%s", async (_, headers, status, code) => {
    await refused(() => post("/v1/projects/input/deploys", "{}", headers()), status, code);
  });
});

describe("a project", () => {
  test.each(["unknown", "Not_A_Name", "a".repeat(59), "..%2f..%2fblog"])(
    "%s that is not registered",
    async (name) => {
      const path = `/v1/projects/${name}/deploys`;
      await refused(() => post(path, "{}"), 404, "project_not_found");
    },
  );

  test("that takes uploads only, asked to build", async () => {
    await refused(() => post("/v1/projects/site/deploys", "{}"), 409, "not_git_connected");
  });
});

describe("a JSON body", () => {
  test.each<[string, Body, number, string]>([
    ["null", "null", 422, "body_not_object"],
    ["an array", "[]", 422, "body_not_object"],
    ["a string", '"main"', 422, "body_not_object"],
    ["cut off", '{"branch":', 400, "body_not_json"],
    ["not UTF-8", NOT_UTF8, 400, "body_not_json"],
    ["with a field that there is not", '{"brunch":"main"}', 422, "field_unknown"],
    ["with a number for a text", '{"branch":1}', 422, "field_invalid"],
    ["with a branch that git would not take", '{"branch":"a..b"}', 422, "branch_invalid"],
    ["with a branch that is an option", '{"branch":"--force"}', 422, "branch_invalid"],
    [
      "with a message of 65 KB",
      `{"commit_message":"${"x".repeat(65_537)}"}`,
      413,
      "body_too_large",
    ],
  ])("%s", async (_, body, status, code) => {
    await refused(() => post("/v1/projects/input/deploys", body), status, code);
  });

  test("that says it is text", async () => {
    const headers = { "content-type": "text/plain" };
    const request = (): Promise<Reply> => post("/v1/projects/input/deploys", "{}", headers);
    await refused(request, 415, "unsupported_media_type");
  });

  test.each<[string, string, string, string]>([
    ["hooks", '{"source":"nobody"}', "field_invalid", "a source nobody has heard of"],
    [
      "subscribers",
      '{"url":"https://10.0.0.1/"}',
      "url_refused",
      "a receiver in a private network",
    ],
    ["subscribers", '{"url":"https://a.test/","events":["deply.*"]}', "field_invalid", "a filter"],
    ["schedules", '{"cron":"61 * * * *"}', "cron_invalid", "a minute there is not"],
    ["schedules", '{"cron":"* * * * *","time_zone":"Mars/Here"}', "cron_invalid", "a zone"],
    ["tokens", '{"scopes":["everything"]}', "field_invalid", "a scope there is not"],
    [
      "tokens",
      '{"scopes":["read"],"expires_at":"2020-01-01T00:00:00Z"}',
      "field_invalid",
      "a time",
    ],
  ])("for %s: %s", async (what, body, code) => {
    await refused(() => post(`/v1/projects/input/${what}`, body), 422, code);
  });
});

describe("what surrounds a body", () => {
  const deploys = "/v1/projects/input/deploys";
  test("a wait that is too long", async () => {
    await refused(() => post(`${deploys}?wait=3600`, "{}"), 400, "query_invalid");
  });

  test("an Idempotency-Key with a space", async () => {
    const request = (): Promise<Reply> => post(deploys, "{}", { "idempotency-key": "a b" });
    await refused(request, 400, "header_invalid");
  });

  test("a cursor that nobody gave", async () => {
    const request = (): Promise<Reply> => world.signalbox.send("GET", `${deploys}?cursor=e30x`);
    await refused(request, 400, "cursor_invalid");
  });

  test("an address there is not, and a method it does not take", async () => {
    await refused(() => post("/v1/nothing", "{}"), 404, "not_found");
    await refused(() => world.signalbox.send("PUT", deploys, {}), 405, "method_not_allowed");
  });
});

describe("a form", () => {
  const deploys = "/v1/projects/site/deploys";

  test.each(BAD_FORMS)("%s", async (_, body, status, code) => {
    await refused(() => post(deploys, body, FORM), status, code);
  });

  test("without a boundary", async () => {
    const headers = { "content-type": "multipart/form-data" };
    await refused(() => post(deploys, GOOD_FORM, headers), 400, "boundary_invalid");
  });

  test("of another kind", async () => {
    const headers = { "content-type": `multipart/mixed; boundary=${BOUNDARY}` };
    await refused(() => post(deploys, GOOD_FORM, headers), 415, "content_type_unsupported");
  });
});

describe("a delivery", () => {
  test("to an address that was never made", async () => {
    const { pathname } = new URL(hook.url);
    const url = (path: string): Hook => ({ ...hook, url: world.signalbox.url + path });
    for (const path of [
      flipped(pathname),
      pathname.replace("/input/", "/site/"),
      pathname.replace("/input/", "/unknown/"),
      "/hooks/input/hok_01KX0000000000000000000000",
    ]) {
      await refused(() => deliver(url(path), PUSH.body), 404, "hook_not_found");
    }
  });

  test("to a hook that was deleted", async () => {
    await refused(() => deliver(gone, PUSH.body), 404, "hook_not_found");
  });

  test.each<[string, string]>([
    ["null", "null"],
    ["an array", "[]"],
    ["cut off", '{"ref":'],
    ["a push of nothing", "{}"],
    [
      "a push to a ref that git would not write",
      PUSH.body.replace("refs/heads/master", "refs/heads/a b"),
    ],
  ])("that is signed, but %s", async (_, body) => {
    await refused(() => deliver(hook, body), 422, "payload_invalid");
  });

  test("that is signed, but not UTF-8, or a form", async () => {
    const signed = (signature: string, type: string, body: Body): Promise<Reply> =>
      send(hook.url, {
        method: "POST",
        headers: {
          "content-type": type,
          "x-github-event": "push",
          "x-hub-signature-256": signature,
        },
        body,
      });
    const mac = createHmac("sha256", hook.secret).update(NOT_UTF8).digest("hex");
    const request = (): Promise<Reply> => signed(`sha256=${mac}`, "application/json", NOT_UTF8);
    await refused(request, 422, "payload_invalid");

    const form = `payload=${encodeURIComponent(PUSH.body)}`;
    const type = "application/x-www-form-urlencoded";
    const signature = await sign(hook.secret, form);
    await refused(() => signed(signature, type, form), 415, "unsupported_media_type");
  });

  test("that is forged leaves one event, however often it comes", async () => {
    const forged = { ...hook, secret: "a guess" };
    const unsigned = (): Promise<Reply> =>
      send(hook.url, {
        method: "POST",
        headers: { "content-type": "application/json", "x-github-event": "push" },
        body: PUSH.body,
      });
    const events = await world.signalbox.events("input");
    expect(await deliver(forged, PUSH.body)).toMatchObject({
      status: 401,
      json: { code: "bad_signature" },
    });
    const [told, ...more] = (await world.signalbox.events("input")).slice(events.length);
    expect(told).toMatchObject({ type: "hook.refused", data: { reason_code: "bad_signature" } });
    expect(more).toEqual([]);

    await refused(() => deliver(forged, PUSH.body), 401, "bad_signature");
    await refused(unsigned, 401, "missing_signature");
    const other = PUSH.body.replaceAll(REPOSITORY, "somebody/else");
    await refused(() => deliver(hook, other), 403, "wrong_repository");
  });
});

/** The same text with its last letter changed. */
function flipped(text: string): string {
  return text.slice(0, -1) + (text.endsWith("A") ? "B" : "A");
}
