import { env, exports } from "cloudflare:workers";
import { createExecutionContext, listDurableObjectIds } from "cloudflare:test";
import { expect, vi } from "vitest";

import { app } from "../../../src/app.ts";
import type { Config } from "../../../src/env.ts";
import { configOf } from "../../../src/env.ts";
import { mintBootstrapToken } from "../../../src/security/bootstrap.ts";
import type { Scope } from "../../../src/security/tokens.ts";
import { World } from "../support/world.ts";

export const ORIGIN = "https://signalbox.test";
const YEAR_MS = 365 * 86_400_000;

export interface Sent {
  readonly token?: string | null;
  readonly json?: unknown;
  readonly body?: BodyInit;
  readonly headers?: Record<string, string>;
}

export interface Got {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, or null where there is no JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever came back
  readonly body: any;
  readonly text: string;
}

/** A world with one registered project, and the Worker in front of it, asked as the internet asks. */
export class Edge {
  readonly world: World;
  readonly config: Config;
  /** Manages the instance. */
  readonly token: string;

  constructor(world: World, config: Config, token: string) {
    this.world = world;
    this.config = config;
    this.token = token;
  }

  static async create(options: Parameters<typeof World.create>[0] = {}): Promise<Edge> {
    const world = await World.create(options);
    const config = await configOf(env);
    if (!config.ok) {
      throw new Error(JSON.stringify(config.error));
    }
    return new Edge(world, config.value, await bootstrap(config.value));
  }

  get base(): string {
    return `/v1/projects/${this.world.name}`;
  }

  /** As the holder of {@link token}, unless another token (or none) is given. */
  async send(method: string, path: string, sent: Sent = {}): Promise<Got> {
    const headers = new Headers(sent.headers);
    const token = sent.token === undefined ? this.token : sent.token;
    if (token !== null) {
      headers.set("authorization", `Bearer ${token}`);
    }
    if (sent.json !== undefined) {
      headers.set("content-type", "application/json");
    }
    const body = sent.json === undefined ? (sent.body ?? null) : JSON.stringify(sent.json);
    const request = new Request(`${ORIGIN}${path}`, { method, headers, body, redirect: "manual" });
    const response = await exports.default.fetch(request);
    const text = await response.text();
    const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== "" ? (JSON.parse(text) as unknown) : null,
      text,
    };
  }

  /** A POST straight into the Worker: on the usual way, something takes a body before it is asked for. */
  async direct(
    path: string,
    body: ReadableStream<Uint8Array>,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; code?: string }> {
    const request = new Request(`${ORIGIN}${path}`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${this.token}`, ...headers },
    });
    const response = await app.fetch(request, env, createExecutionContext());
    return response.json();
  }

  /** The same below the project. */
  on(method: string, path: string, sent: Sent = {}): Promise<Got> {
    return this.send(method, `${this.base}${path}`, sent);
  }

  /** A stored token of the project. */
  async projectToken(scope: Scope, more: object = {}): Promise<{ id: string; token: string }> {
    const made = await this.on("POST", "/tokens", { json: { scopes: [scope], ...more } });
    expect(made.status).toBe(201);
    return made.body as { id: string; token: string };
  }

  /** A stored token of the instance. */
  async instanceToken(scope: Scope, more: object = {}): Promise<{ id: string; token: string }> {
    const made = await this.send("POST", "/v1/tokens", { json: { scopes: [scope], ...more } });
    expect(made.status).toBe(201);
    return made.body as { id: string; token: string };
  }

  /** Whatever a refused request must not change: the objects there are, the project's rows, the calls to Cloudflare. */
  async trace(): Promise<unknown> {
    const objects = await listDurableObjectIds(env.PROJECT);
    const rows = await this.world.inside((_, state) => {
      const tables = state.storage.sql
        .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        .toArray()
        .filter(({ name }) => !name.startsWith("_"));
      return tables.map(({ name }) => [
        name,
        state.storage.sql.exec(`SELECT COUNT(*) AS n FROM "${name}"`).one()["n"],
      ]);
    });
    return {
      objects: objects.map(String).sort(),
      rows,
      upstream: this.world.sandbox.journal().requests.length,
    };
  }
}

export async function bootstrap(
  config: Config,
  scope: Scope = "manage",
  expiresAt: number = Date.now() + YEAR_MS,
): Promise<string> {
  const grant = { scopes: [scope], expiresAt };
  return (await mintBootstrapToken(config.keyring, grant)).token;
}

/** A refusal, as every one must be. */
export function expectProblem(got: Got, status: number, code: string): void {
  expect({ status: got.status, code: (got.body as { code?: string } | null)?.code }).toEqual({
    status,
    code,
  });
  expect(got.headers.get("content-type")).toBe("application/problem+json");
  expect(got.body).toMatchObject({
    type: "about:blank",
    status,
    title: expect.any(String),
    detail: expect.any(String),
    instance: `urn:uuid:${got.headers.get("x-request-id")}`,
  });
}

/** What each test file does after each test. Time is not set back: objects outlive a test. */
export function leave(): void {
  vi.restoreAllMocks();
}

/** Every route with its method, as the document has them; `{id}` and the like are still in the path. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly scope: Scope | null;
  readonly takesJson: boolean;
}

export async function operations(edge: Edge): Promise<Operation[]> {
  const { body } = await edge.send("GET", "/openapi.json", { token: null });
  const paths = (body as { paths: Record<string, Record<string, Described>> }).paths;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      method: method.toUpperCase(),
      path,
      scope: (described.security[0]?.token?.[0] ?? null) as Scope | null,
      takesJson: described.requestBody?.content["application/json"] !== undefined,
    })),
  );
}

interface Described {
  readonly security: { token?: string[] }[];
  readonly requestBody?: { content: Record<string, unknown> };
}

/** The path with something in place of its parameters. */
export function filled(path: string, edge: Edge): string {
  return path
    .replace("{account}", edge.config.accountId)
    .replace("{project}", edge.world.name)
    .replace("{id}", "xyz_01JZZZZZZZZZZZZZZZZZZZZZZZ");
}
