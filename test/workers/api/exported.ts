import { expect } from "vitest";

import { elsewhere } from "../support/elsewhere.ts";
import type { Edge, Got } from "./edge.ts";

export interface Line {
  readonly kind: string;
  readonly data: Record<string, unknown>;
}

export const NDJSON = { "content-type": "application/x-ndjson" };
export const linesIn = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
export const textOf = (lines: readonly Line[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join("");
export const of = (lines: readonly Line[], kind: string): Record<string, unknown>[] =>
  lines.filter((line) => line.kind === kind).map(({ data }) => data);

export async function exported(edge: Edge, query = ""): Promise<string> {
  const got = await edge.on("GET", `/export${query}`);
  expect(got.status).toBe(200);
  return got.text;
}

export function imports(edge: Edge, body: BodyInit): Promise<Got> {
  return edge.on("POST", "/import", { body, headers: NDJSON });
}

/** Forgets the project, and registers it again. */
export async function anew(edge: Edge): Promise<void> {
  expect((await edge.send("DELETE", edge.base)).status).toBe(204);
  edge.world.pass(60_000);
  expect((await edge.send("PUT", edge.base, { json: {} })).status).toBe(201);
}

const POLICY = {
  mode: "all",
  windows: [
    { action: "deny", cron: "0 18 29 2 *", duration_minutes: 60, time_zone: "Europe/Berlin" },
  ],
  health: { checks: [{ url: "/" }] },
};

/** A project in which there is something of each kind. */
export async function lived(
  edge: Edge,
): Promise<{ hook: string; chat: string; subscriber: string }> {
  const { world } = edge;
  const made = async (path: string, json: object): Promise<Record<string, string>> => {
    const got = await edge.on("POST", path, { json });
    expect([path, got.status]).toEqual([path, 201]);
    return got.body as Record<string, string>;
  };
  // The first list of what is at Cloudflare lies behind.
  await world.stub().wake();
  await world.run(60_000);
  const patched = await edge.on("PATCH", "/policy", { json: POLICY });
  expect(patched.status).toBe(200);
  const hook = await made("/hooks", { source: "github", repository: "acme/shop" });
  await made("/hooks", { source: "url", branch: "main" });
  await made("/schedules", { cron: "0 6 1 7 *", time_zone: "Europe/Berlin", branch: "main" });
  await made("/trust", { issuer: "github", repository_id: "4711", scope: "deploy" });
  world.receivers.set("hooks.example", () => new Response(null, { status: 204 }));
  const subscriber = await made("/subscribers", {
    url: "https://hooks.example/events",
    headers: { "X-Own": "kept to itself" },
  });
  const chat = await made("/subscribers", {
    url: "https://hooks.slack.com/services/T000/B000/secretsecretsecret",
    kind: "slack",
  });
  await made("/subscribers", {
    kind: "github",
    repository: "acme/shop",
    token: "ghp_0123456789abcdef",
    events: ["deploy.*"],
  });
  const first = await world.push();
  await world.ended(first.deploy?.id ?? "");
  world.sandbox.fault({ call: "create", kind: "fail_build" });
  await world.ended((await world.push()).deploy?.id ?? "");
  const stopped = (await world.push()).deploy?.id ?? "";
  await world.run(60_000, async () => (await world.deploy(stopped)).status === "running");
  await world.stub().cancel(stopped, "Ines");
  await world.run(3_600_000);
  const run = await edge.on("POST", "/deploys", {
    json: { branch: "main" },
    headers: { "signalbox-run": "deploy.yml/42.1", "idempotency-key": "once" },
  });
  expect(run.status).toBe(202);
  await world.ended((run.body as { deploy: { id: string } }).deploy.id);
  const back = await world.rollBack(first.deploy?.id);
  await world.ended(back.deploy?.id ?? "");
  for (const { id } of await world.stub().locks()) {
    await world.stub().removeLock(id, "Ines");
  }
  await elsewhere(world, "dev");
  await world.stub().look();
  await world.run(3_600_000);
  await made("/locks", { reason: "stocktaking", environment: "preview" });
  return { hook: hook["id"] ?? "", chat: chat["id"] ?? "", subscriber: subscriber["id"] ?? "" };
}
