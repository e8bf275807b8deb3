import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { toHex, utf8 } from "../../../src/security/encoding.ts";
import { Edge, expectProblem, leave, ORIGIN, type Got } from "./edge.ts";
import { deliver, makeHook, push, type MadeHook } from "./github.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const TOKEN = "secret_4eZq8nqkXoAdVbbL3xPyLqNuwHkH2rF";

async function notionSends(hook: MadeHook, payload: object, secret: string): Promise<Got> {
  const body = JSON.stringify(payload);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8(secret), algorithm, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(body)));
  return edge.send("POST", hook.url.slice(ORIGIN.length), {
    token: null,
    body,
    headers: {
      "content-type": "application/json",
      "x-notion-signature": `sha256=${toHex(mac)}`,
    },
  });
}

const greeting = (token = TOKEN): object => ({ verification_token: token });
const changed = { id: "evt-1", type: "page.content_updated", entity: { type: "page" } };

describe("a hook whose sender hands its secret over", () => {
  let hook: MadeHook;
  beforeEach(async () => {
    hook = await makeHook(edge, { source: "notion" });
  });
  const state = async (): Promise<string> => (await edge.on("GET", `/hooks/${hook.id}`)).body.state;

  it("waits for it, and has none to show when it is made", async () => {
    expect(hook.secret).toBeNull();
    expect(await state()).toBe("awaiting_secret");
    expectProblem(await notionSends(hook, changed, TOKEN), 401, "secret_awaited");
    expectProblem(await edge.on("POST", `/hooks/${hook.id}/secret`), 409, "secret_not_shown");
  });

  it("takes exactly the handshake, and only what is signed with the secret in it", async () => {
    expectProblem(await notionSends(hook, greeting(), "another-secret"), 401, "secret_awaited");
    expect(await state()).toBe("awaiting_secret");
    const taken = await notionSends(hook, greeting(), TOKEN);
    expect(taken.status).toBe(200);
    expect(taken.body).toMatchObject({ results: [], reason_code: "secret_received" });
    expect(taken.text).not.toContain(TOKEN);
    expect(await state()).toBe("active");
    const delivered = await notionSends(hook, changed, TOKEN);
    expect(delivered.status).toBe(202);
    expect(delivered.body.results[0]).toMatchObject({ branch: "main", outcome: "queued" });
  });

  it("takes it once: a second one can't put another secret in its place", async () => {
    await notionSends(hook, greeting(), TOKEN);
    const other = "secret_of_a_stranger_with_the_url";
    expectProblem(await notionSends(hook, greeting(other), other), 401, "bad_signature");
    expect((await notionSends(hook, changed, TOKEN)).status).toBe(202);
  });

  it("shows it once, to be pasted back at the sender", async () => {
    await notionSends(hook, greeting(), TOKEN);
    const reader = await edge.projectToken("deploy");
    const path = `/hooks/${hook.id}/secret`;
    const denied = await edge.on("POST", path, { token: reader.token });
    expectProblem(denied, 403, "insufficient_scope");
    expect((await edge.on("POST", path)).body).toEqual({ secret: TOKEN });
    expectProblem(await edge.on("POST", path), 409, "secret_not_shown");
  });

  it("takes it though the answer that it was taken is lost", async () => {
    const taken = await edge.world.inside((project) => [
      project.takeSecret(hook.id, "sealed-1"),
      project.takeSecret(hook.id, "sealed-1"),
      project.takeSecret(hook.id, "sealed-2"),
    ]);
    expect(taken).toEqual([true, true, false]);
  });

  it("can be given it by hand instead", async () => {
    const given = await edge.on("PATCH", `/hooks/${hook.id}`, { json: { secret: TOKEN } });
    expect(given.body).toMatchObject({ state: "active", secrets: 1 });
    expect(given.body).not.toHaveProperty("secret");
    expectProblem(
      await notionSends(hook, greeting("x".repeat(20)), "x".repeat(20)),
      401,
      "bad_signature",
    );
    expect((await notionSends(hook, changed, TOKEN)).status).toBe(202);
    expectProblem(await edge.on("POST", `/hooks/${hook.id}/secret`), 409, "secret_not_shown");
  });

  it("is one deploy after a crash in the middle of accepting", async () => {
    await notionSends(hook, greeting(), TOKEN);
    edge.world.crashAt("accept.committed");
    expect((await notionSends(hook, changed, TOKEN)).status).toBe(202);
    expect(edge.world.crashes).toBe(1);
    expect((await edge.on("GET", "/deploys")).body.items).toHaveLength(1);
  });
});

describe("a hook whose sender makes the secret after it has seen the URL", () => {
  it("says what to do, refuses until it is given the secret, and then takes deliveries", async () => {
    const made = await edge.on("POST", "/hooks", {
      json: { source: "gitlab", auth: { mode: "signing_token" } },
    });
    expect(made.body).toMatchObject({
      state: "awaiting_secret",
      secret: null,
      paste: [{ label: "URL", value: made.body.url }],
    });
    const path = `/hooks/${made.body.id}`;
    const bad = await edge.on("PATCH", path, { json: { secret: "not-a-signing-token" } });
    expectProblem(bad, 422, "field_invalid");
    const rotated = await edge.on("PATCH", path, { json: { rotate_secret: true } });
    expectProblem(rotated, 422, "field_invalid");
    expect(rotated.body.detail).toContain("Rotate it there");
    const good = `whsec_${btoa("k".repeat(32))}`;
    expect((await edge.on("PATCH", path, { json: { secret: good } })).body.state).toBe("active");
  });
});

describe("secrets of a hook", () => {
  it("two are good from a change until the older one is retired", async () => {
    const hook = await makeHook(edge);
    const path = `/hooks/${hook.id}`;
    const second = await edge.on("PATCH", path, { json: { secret: "chosen-by-a-person" } });
    expect(second.body.secrets).toBe(2);
    expect((await deliver(hook, push("a"))).status).toBe(202);
    expect((await deliver(hook, push("b"), { secret: "chosen-by-a-person" })).status).toBe(202);
    const retired = await edge.on("PATCH", path, { json: { retire_old_secret: true } });
    expect(retired.body.secrets).toBe(1);
    expectProblem(await deliver(hook, push("c")), 401, "bad_signature");
    expect((await deliver(hook, push("d"), { secret: "chosen-by-a-person" })).status).toBe(202);
  });

  it("one alone is good after a change that retires the older one at once", async () => {
    const hook = await makeHook(edge);
    const json = { rotate_secret: true, retire_old_secret: true };
    const { body } = await edge.on("PATCH", `/hooks/${hook.id}`, { json });
    expect(body.secrets).toBe(1);
    expectProblem(await deliver(hook, push("a")), 401, "bad_signature");
    expect((await deliver(hook, push("b"), { secret: body.secret })).status).toBe(202);
  });

  it("need not change for the URL to be shown again", async () => {
    const made = await makeHook(edge, { source: "url" });
    const { body } = await edge.on("PATCH", `/hooks/${made.id}`, { json: { renew_url: true } });
    expect(body.url).toBe(made.url);
    expect(body).not.toHaveProperty("secret");
  });

  it("can't be chosen and made at once, nor be what their scheme can't use", async () => {
    const { id } = await makeHook(edge);
    const both = { json: { secret: "chosen", rotate_secret: true } };
    expectProblem(await edge.on("PATCH", `/hooks/${id}`, both), 422, "field_invalid");
    for (const json of [
      { source: "contentful", secret: "too short" },
      { source: "standard-webhooks", secret: "whsec_c2hvcnQ=" },
      { source: "bearer", secret: "guessable" },
      { source: "url", secret: "there-is-none-but-the-url" },
      { source: "github", secret: " padded " },
    ]) {
      const before = await edge.trace();
      const got = await edge.on("POST", "/hooks", { json });
      expectProblem(got, 422, "field_invalid");
      expect(got.body.errors[0].field).toBe("secret");
      expect(got.text).not.toContain(json.secret.trim());
      expect(await edge.trace()).toEqual(before);
    }
  });
});
