import * as z from "zod";

import type { Credential } from "./credential.ts";
import { err, ok, type Result } from "../result.ts";
import { redact, withoutSecrets } from "../security/redact.ts";
import { UNKNOWN_ERROR, type UpstreamError } from "./errors.ts";
import {
  Envelope,
  UpstreamDeployment,
  UpstreamLogs,
  UpstreamProject,
  UpstreamUploadToken,
} from "./schemas.ts";
import { apiUrl } from "./url.ts";

/** The whole exchange, body included. The runtime may cut a detached fetch at its idle sweep (70 s), so stay below. */
export const CALL_TIMEOUT_MS = 55_000;
/** Far above any answer that is read here (25 deployments are about 150 KB; a long log is a few MB). */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** How long a limit lasts that says nothing of it: as long as what Cloudflare counts over. */
export const UNSAID_MS = 300_000;

/** Instead of a schema: the answer as it is, envelope and all. */
const WHOLE = Symbol("whole");

export type Answer<T> = Result<T, UpstreamError>;

/** A body to send, with its content type where the fetch does not know it. */
export interface Payload {
  readonly body: BodyInit;
  readonly contentType?: string;
}

export interface ClientOptions {
  readonly baseUrl: string;
  readonly accountId: string;
  readonly credential: Credential;
  /** Is told when an answer announces that few calls are left, and for how many ms. */
  readonly onFewLeft?: (calls: number, forMs: number) => Promise<void>;
}

/** The Pages API, as far as it is used here. Every call is one request, with no retry of its own. */
export class CloudflareClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  project(name: string): Promise<Answer<UpstreamProject>> {
    return this.#call("GET", [name], UpstreamProject);
  }

  /** One page of the account's projects; an empty one is past the end. */
  projects(page: number): Promise<Answer<UpstreamProject[]>> {
    return this.#call("GET", [], UpstreamProject.array(), { query: { page } });
  }

  patchProject(name: string, change: object): Promise<Answer<UpstreamProject>> {
    const payload = { body: JSON.stringify(change), contentType: "application/json" };
    return this.#call("PATCH", [name], UpstreamProject, { payload });
  }

  /** One page of deployments, newest first; an empty one is past the end. */
  deployments(name: string, page: number): Promise<Answer<UpstreamDeployment[]>> {
    const query = { page, per_page: 25 };
    return this.#call("GET", [name, "deployments"], UpstreamDeployment.array(), { query });
  }

  deployment(name: string, id: string): Promise<Answer<UpstreamDeployment>> {
    return this.#call("GET", [name, "deployments", id], UpstreamDeployment);
  }

  create(name: string, payload: Payload): Promise<Answer<UpstreamDeployment>> {
    return this.#call("POST", [name, "deployments"], UpstreamDeployment, { payload });
  }

  rollback(name: string, id: string): Promise<Answer<unknown>> {
    return this.#call("POST", [name, "deployments", id, "rollback"], null);
  }

  /** Deletes a deployment, which also stops one that still builds. */
  remove(name: string, id: string): Promise<Answer<unknown>> {
    const query = { force: "true" };
    return this.#call("DELETE", [name, "deployments", id], null, { query });
  }

  logs(name: string, id: string): Promise<Answer<UpstreamLogs>> {
    return this.#call("GET", [name, "deployments", id, "history", "logs"], UpstreamLogs);
  }

  /** A call whose whole answer is somebody else's to read: the envelope as it came. Below the account's projects. */
  relay(
    method: string,
    path: readonly string[],
    options: {
      readonly query?: Record<string, string | undefined>;
      readonly body?: object;
    } = {},
  ): Promise<Answer<Record<string, unknown>>> {
    const payload =
      options.body === undefined
        ? undefined
        : { body: JSON.stringify(options.body), contentType: "application/json" };
    return this.#call(method, path, WHOLE, { query: options.query ?? {}, payload });
  }

  uploadToken(name: string): Promise<Answer<{ jwt: string }>> {
    return this.#call("GET", [name, "upload-token"], UpstreamUploadToken);
  }

  /** Those of `hashes` that Cloudflare does not have. This route takes the upload token, not the credential. */
  missingAssets(jwt: string, hashes: readonly string[]): Promise<Answer<string[]>> {
    const url = apiUrl(this.#options.baseUrl, ["pages", "assets", "check-missing"]);
    const payload = { body: JSON.stringify({ hashes }), contentType: "application/json" };
    const headers = new Headers({ authorization: `Bearer ${jwt}` });
    return this.#fetch("POST", url, headers, payload, z.array(z.string()));
  }

  #call<T>(
    method: string,
    path: readonly string[],
    schema: z.ZodType<T> | null | typeof WHOLE,
    options: {
      readonly query?: Record<string, string | number | undefined>;
      readonly payload?: Payload | undefined;
    } = {},
  ): Promise<Answer<T>> {
    const { baseUrl, accountId, credential } = this.#options;
    const url = apiUrl(
      baseUrl,
      ["accounts", accountId, "pages", "projects", ...path],
      options.query,
    );
    const headers = new Headers();
    if (credential.kind === "token") {
      headers.set("authorization", `Bearer ${credential.token}`);
    } else {
      headers.set("x-auth-email", credential.email);
      headers.set("x-auth-key", credential.key);
    }
    return this.#fetch(method, url, headers, options.payload, schema);
  }

  async #fetch<T>(
    method: string,
    url: URL,
    headers: Headers,
    payload: Payload | undefined,
    schema: z.ZodType<T> | null | typeof WHOLE,
  ): Promise<Answer<T>> {
    headers.set("accept", "application/json");
    headers.set("user-agent", "signalbox");
    if (payload?.contentType !== undefined) {
      headers.set("content-type", payload.contentType);
    }
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method,
        headers,
        body: payload?.body ?? null,
        redirect: "manual",
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
      text = await readBounded(response);
    } catch (error) {
      const timedOut = error instanceof Error && error.name === "TimeoutError";
      const message = timedOut ? "Cloudflare did not answer in time." : "The connection was lost.";
      return err({ kind: "unknown", status: null, code: null, message, retryAfterMs: null });
    }
    // A 429 is reported by whoever asked.
    const few = response.status === 429 ? null : fewLeft(response.headers);
    if (few !== null) {
      await this.#options.onFewLeft?.(few.calls, few.forMs);
    }
    return this.#read(response, text, schema);
  }

  #read<T>(
    response: Response,
    text: string,
    schema: z.ZodType<T> | null | typeof WHOLE,
  ): Answer<T> {
    const { status } = response;
    // Whatever it is about, and whoever is to read it: our credential is not in it.
    const json = parseJson(withoutSecrets(text, this.#secrets()));
    const envelope = Envelope.safeParse(json).data;
    if (envelope?.success === true && response.ok) {
      if (schema === WHOLE) {
        return ok(json as T);
      }
      if (schema === null) {
        return ok(envelope.result as T);
      }
      const result = schema.safeParse(envelope.result);
      return result.success
        ? ok(result.data)
        : err(this.#unknown(status, null, "Cloudflare's answer can't be read."));
    }

    const first = envelope?.errors?.[0];
    const code = first?.code || null;
    const words = first?.message ? redact(first.message, []).slice(0, 500) : null;
    // Pages has a rate limit of its own that answers with the code of an authentication error.
    if (status === 429 || (code === 10_000 && /rate limit/i.test(words ?? ""))) {
      const retryAfterMs = retryAfter(response.headers) ?? UNSAID_MS;
      const message = words ?? "Cloudflare answered 429.";
      return err({ kind: "limited", status, code, message, retryAfterMs });
    }
    if (envelope !== undefined && status >= 400 && status < 500 && code !== UNKNOWN_ERROR) {
      const message = words ?? `Cloudflare answered ${status}.`;
      return err({ kind: "refused", status, code, message, retryAfterMs: null });
    }
    return err(this.#unknown(status, code, words ?? `Cloudflare answered ${status}.`));
  }

  #unknown(status: number, code: number | null, message: string): UpstreamError {
    return { kind: "unknown", status, code, message, retryAfterMs: null };
  }

  #secrets(): string[] {
    const { credential } = this.#options;
    return [credential.kind === "token" ? credential.token : credential.key];
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Seconds, or the `t` of Cloudflare's `Ratelimit: "default";r=0;t=30`. */
export function retryAfter(headers: Headers): number | null {
  const said = [
    headers.get("retry-after") ?? "",
    /;\s*t=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1] ?? "",
  ];
  const seconds = said.find((text) => /^\d{1,6}$/.test(text));
  return seconds === undefined ? null : Number(seconds) * 1000;
}

/** Of a limit of unknown size; Cloudflare's for its API. */
const USUAL_QUOTA = 1_200;
/** More than a tenth is not worth a word. */
const FEW = 0.1;

/**
 * The least that is left of any limit, where that is few: `Ratelimit: "default";r=50;t=30` against the quota in
 * `Ratelimit-Policy: "default";q=1200;w=300`.
 */
export function fewLeft(headers: Headers): { calls: number; forMs: number } | null {
  const quotas = new Map(
    items(headers.get("ratelimit-policy")).map(({ name, number }) => [name, number("q")]),
  );
  const few = items(headers.get("ratelimit")).flatMap(({ name, number }) => {
    const [calls, seconds] = [number("r"), number("t")];
    return calls === null || seconds === null || calls > FEW * (quotas.get(name) ?? USUAL_QUOTA)
      ? []
      : [{ calls, forMs: seconds * 1_000 }];
  });
  return few.toSorted((a, b) => a.calls - b.calls)[0] ?? null;
}

/** Of a list of structured fields, each a quoted name with numbers as parameters. */
function items(header: string | null): { name: string; number: (key: string) => number | null }[] {
  return [...(header ?? "").matchAll(/"([^"]{0,100})"([^",]*)/g)].map(
    ([, name = "", parameters = ""]) => ({
      name,
      number: (key) => {
        const digits = new RegExp(`;\\s*${key}=(\\d{1,6})(?![\\d.])`).exec(parameters)?.[1];
        return digits === undefined ? null : Number(digits);
      },
    }),
  );
}

/** Reads a body to its end, or throws and cancels it once it is larger than anything we expect. */
async function readBounded(response: Response): Promise<string> {
  if (response.body === null) {
    return "";
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return text + decoder.decode();
    }
    bytes += value.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new Error("cloudflare: the answer is too large");
    }
    text += decoder.decode(value, { stream: true });
  }
}
