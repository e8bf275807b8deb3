import examples from "@octokit/webhooks-examples";
import { sign } from "@octokit/webhooks-methods";
import { expect } from "vitest";

import { type Edge, ORIGIN, type Got } from "./edge.ts";

/** GitHub, as a hook meets it. */

export type Payload = Record<string, unknown>;

export interface MadeHook {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly edge: Edge;
}

export async function makeHook(edge: Edge, more: object = {}): Promise<MadeHook> {
  const made = await edge.on("POST", "/hooks", { json: { source: "github", ...more } });
  expect(made.status).toBe(201);
  return { ...(made.body as Omit<MadeHook, "edge">), edge };
}

/** A real payload. */
export function fixture(name: string, which = 0): Payload {
  const found = examples.find((definition) => definition.name === name)?.examples[which];
  expect(found).toBeDefined();
  return found as unknown as Payload;
}

/** A real push, to this branch. */
export function push(branch = "main", more: Payload = {}): Payload {
  const all = (examples.find(({ name }) => name === "push")?.examples ??
    []) as unknown as Payload[];
  const real = all.find(
    (p) => String(p["ref"]).startsWith("refs/heads/") && p["deleted"] === false,
  );
  expect(real).toBeDefined();
  return { ...real, ref: `refs/heads/${branch}`, ...more };
}

export interface Delivery {
  readonly event?: string;
  readonly delivery?: string;
  readonly secret?: string;
  readonly url?: string;
  readonly headers?: Record<string, string>;
  /** Where another host puts the same signature. */
  readonly signatureHeader?: string;
}

/** Delivers as GitHub does. */
export async function deliver(
  hook: MadeHook,
  payload: Payload | string,
  options: Delivery = {},
): Promise<Got> {
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  return hook.edge.send("POST", (options.url ?? hook.url).slice(ORIGIN.length), {
    token: null,
    body,
    headers: {
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/abc1234",
      "x-github-event": options.event ?? "push",
      "x-github-delivery": options.delivery ?? crypto.randomUUID(),
      [options.signatureHeader ?? "x-hub-signature-256"]: await sign(
        options.secret ?? hook.secret,
        body,
      ),
      ...options.headers,
    },
  });
}
