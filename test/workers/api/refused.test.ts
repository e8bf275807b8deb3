import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { sign } from "@octokit/webhooks-methods";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { toHex } from "../../../src/security/encoding.ts";
import { mintHookSegment } from "../../../src/security/hook-url.ts";
import { Edge, expectProblem, leave, ORIGIN, type Got } from "./edge.ts";
import { deliver, makeHook, push, type MadeHook } from "./github.ts";

let edge: Edge;
let hook: MadeHook;
beforeEach(async () => {
  edge = await Edge.create();
  hook = await makeHook(edge);
});
afterEach(leave);

async function deployCount(): Promise<number> {
  return (await edge.on("GET", "/deploys")).body.items.length as number;
}

describe("what is refused", () => {
  /** Nothing may come of it but one note of the refusal. */
  async function expectNothing(
    send: () => Promise<Got>,
    status: number,
    code: string,
  ): Promise<void> {
    const upstream = edge.world.sandbox.journal().requests.length;
    const objects = (await listDurableObjectIds(env.PROJECT)).length;
    const got = await send();
    expectProblem(got, status, code);
    expect(await deployCount()).toBe(0);
    const triggers = await edge.world.inside((_, state) =>
      state.storage.sql.exec("SELECT COUNT(*) AS n FROM triggers").one(),
    );
    expect(triggers).toEqual({ n: 0 });
    expect(edge.world.sandbox.journal().requests).toHaveLength(upstream);
    expect((await listDurableObjectIds(env.PROJECT)).length).toBe(objects);
    expect(got.text).not.toContain(hook.secret);
    expect(got.text).not.toContain("Codertocat");
  }

  const HEX = "ab".repeat(32);
  it.each([
    ["", "missing_signature"],
    ["sha256=", "missing_signature"],
    ["sha1=" + "ab".repeat(20), "malformed_signature"],
    [HEX, "malformed_signature"],
    [`sha256=${HEX.slice(1)}`, "malformed_signature"],
    [`sha256=${HEX}, sha256=${HEX}`, "malformed_signature"],
    [`sha256=${"ab".repeat(5000)}`, "malformed_signature"],
    [`sha256=x${HEX.slice(1)}`, "malformed_signature"],
    [`sha256=${HEX}`, "bad_signature"],
  ])("a signature %j", async (signature, code) => {
    await expectNothing(
      () => deliver(hook, push(), { headers: { "x-hub-signature-256": signature } }),
      401,
      code,
    );
  });

  it("a signature with another hook's secret", async () => {
    const other = await makeHook(edge);
    await expectNothing(
      () => deliver(hook, push(), { secret: other.secret }),
      401,
      "bad_signature",
    );
  });

  it("another body than the one that was signed", async () => {
    const signature = await sign(hook.secret, JSON.stringify(push("main")));
    await expectNothing(
      () => deliver(hook, push("dev"), { headers: { "x-hub-signature-256": signature } }),
      401,
      "bad_signature",
    );
  });

  it("another repository than the hook's, whatever its letter case", async () => {
    hook = await makeHook(edge, { repository: "acme/blog" });
    await expectNothing(() => deliver(hook, push()), 403, "wrong_repository");
    hook = await makeHook(edge, { repository: "codertocat/hello-world" });
    expect((await deliver(hook, push())).status).toBe(202);
  });

  it.each([
    ["no JSON", "{nope", 422, "payload_invalid"],
    ["null", "null", 422, "payload_invalid"],
    ["an array", "[]", 422, "payload_invalid"],
    ["fields of other types", '{"ref": {}, "after": [], "repository": 1}', 422, "payload_invalid"],
  ] as const)("a signed body that is %s", async (_, body, status, code) => {
    await expectNothing(() => deliver(hook, body), status, code);
  });

  it("a signed body that is not UTF-8", async () => {
    const bytes = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
    const key = await crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(hook.secret),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    );
    const mac = toHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes)));
    const send = (): Promise<Got> =>
      edge.send("POST", hook.url.slice(ORIGIN.length), {
        token: null,
        body: bytes,
        headers: { "x-github-event": "push", "x-hub-signature-256": `sha256=${mac}` },
      });
    await expectNothing(send, 422, "payload_invalid");
  });

  it("a form, with what to set at GitHub", async () => {
    await expectNothing(
      () =>
        deliver(hook, "payload=%7B%7D", {
          headers: { "content-type": "application/x-www-form-urlencoded" },
        }),
      415,
      "unsupported_media_type",
    );
  });

  it("a body over 5 MiB, by what it says", async () => {
    await expectNothing(() => deliver(hook, "x".repeat(5 * 1_048_576 + 1)), 413, "body_too_large");
  });

  it("a body over 5 MiB that comes in pieces, as soon as it is", async () => {
    let sent = 0;
    const body = new ReadableStream({
      type: "bytes",
      pull(controller) {
        sent += 1_048_576;
        controller.enqueue(new Uint8Array(1_048_576));
        if (sent >= 32 * 1_048_576) {
          controller.close();
        }
      },
    });
    expect(await edge.direct(hook.url.slice(ORIGIN.length), body)).toMatchObject({
      status: 413,
      code: "body_too_large",
    });
    expect(sent).toBeLessThan(10 * 1_048_576);
  });

  it.each(["GET", "PUT", "PATCH", "DELETE"])("the method %s", async (method) => {
    const got = await edge.send(method, hook.url.slice(ORIGIN.length), { token: null });
    expectProblem(got, 405, "method_not_allowed");
    expect(got.headers.get("allow")).toBe("POST");
    expect(got.text).not.toContain(hook.id);
    expect(await deployCount()).toBe(0);
  });
});

describe("an address that was not made here", () => {
  it("gets one answer, whatever is wrong with it, and nobody is asked", async () => {
    const segment = hook.url.split("/").at(-1) ?? "";
    const { name } = edge.world;
    const addresses = [
      `/hooks/${name}/${segment.slice(0, -1)}${segment.endsWith("A") ? "B" : "A"}`,
      `/hooks/${name}/${segment.slice(0, -24)}${"A".repeat(24)}`,
      `/hooks/${name}/${hook.id}`,
      `/hooks/${name}/x`,
      `/hooks/another/${segment}`,
      `/hooks/NOT%2Fa%20name/${segment}`,
      `/hooks/${name}/${await mintHookSegment(edge.config.keyring, `${edge.config.accountId}/x`, hook.id)}`,
    ];
    const before = await edge.trace();
    const answers = new Set<string>();
    for (const url of addresses) {
      const got = await deliver(hook, push(), { url: `${ORIGIN}${url}` });
      expectProblem(got, 404, "hook_not_found");
      answers.add(JSON.stringify({ ...got.body, instance: null }));
    }
    const gone = await mintHookSegment(
      edge.config.keyring,
      edge.world.key,
      "hok_01JZZZZZZZZZZZZZZZZZZZZZZZ",
    );
    const got = await deliver(hook, push(), { url: `${ORIGIN}/hooks/${name}/${gone}` });
    answers.add(JSON.stringify({ ...got.body, instance: null }));
    expect(answers.size).toBe(1);
    expect(await edge.trace()).toEqual(before);
  });

  it("is what a deleted hook's is", async () => {
    expect((await deliver(hook, push())).status).toBe(202);
    await edge.on("DELETE", `/hooks/${hook.id}`);
    expectProblem(await deliver(hook, push()), 404, "hook_not_found");
  });

  it("is what a forgotten project's is, and makes no object", async () => {
    await edge.send("DELETE", edge.base);
    const objects = await listDurableObjectIds(env.PROJECT);
    expectProblem(await deliver(hook, push()), 404, "hook_not_found");
    expect(await listDurableObjectIds(env.PROJECT)).toEqual(objects);
  });
});

describe("refusals", () => {
  it("are told, once a minute for each hook", async () => {
    const refuse = (): Promise<Got> => deliver(hook, push(), { secret: "wrong" });
    for (let n = 0; n < 3; n++) {
      expectProblem(await refuse(), 401, "bad_signature");
    }
    const told = async (): Promise<unknown[]> =>
      (await edge.world.events()).filter(({ type }) => type === "hook.refused");
    expect(await told()).toMatchObject([
      { data: { hook_id: hook.id, source: "github", reason_code: "bad_signature" } },
    ]);
    expect((await edge.on("GET", `/hooks/${hook.id}`)).body).toMatchObject({
      refusals: 1,
      last_refused_at: expect.any(String),
    });
    edge.world.pass(61_000);
    await refuse();
    expect(await told()).toHaveLength(2);
  });
});
