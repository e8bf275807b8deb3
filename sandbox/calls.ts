/** What every call of the API goes through: credentials, limit, faults, journal. */
import { concatBytes } from "@noble/hashes/utils.js";
import { advance } from "./advance.ts";
import { gatewayPage, rateLimited, refusal } from "./answers.ts";
import { authenticate, verifyUploadToken } from "./auth.ts";
import * as errors from "./errors.ts";
import { faultError, takeAnswerFault } from "./faults.ts";
import { sha256 } from "./form.ts";
import { recordRequest } from "./journal.ts";
import { limitHeaders, spend } from "./limit.ts";
import type { Context, Handler, MiddlewareHandler } from "hono";
import type { World } from "./world.ts";
import type { Call, Fault, Vanish } from "./types.ts";

/** Set by a call whose answer must not arrive. */
export interface Fate {
  vanish: Vanish | null;
}

export interface ApiEnv {
  Bindings: Fate;
  Variables: {
    body: Uint8Array<ArrayBuffer>;
    /** The fault that struck this call. */
    fault: Fault | null;
    /** The deployment this call made. */
    made: string | null;
  };
}

export type ApiContext = Context<ApiEnv>;

const MAX_BODY = 100 * 1024 * 1024;
const ASSETS = "/client/v4/pages/assets/";

/** Reads the body and writes the call down, however it ends. */
export function journalled(world: World): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const at = world.now();
    c.set("fault", null);
    c.set("made", null);
    let digest: string | null = null;
    try {
      const body = await readBody(c.req.raw);
      digest = body.length > 0 ? await sha256(body) : null;
      c.set("body", body);
      advance(world);
      await next();
    } catch (error) {
      // Only a body that can't be read ends up here: the errors of what follows have become answers already.
      if (!(error instanceof errors.ApiError)) {
        throw error;
      }
      c.res = refusal(error);
    }
    const { pathname, search } = new URL(c.req.url);
    const [, project, deployment] =
      /\/pages\/projects\/([^/]+)(?:\/deployments\/([^/]+))?/.exec(pathname) ?? [];
    recordRequest(world, {
      at,
      method: c.req.method,
      path: pathname + search,
      project: project ?? null,
      deployment: c.get("made") ?? deployment ?? null,
      status: c.get("fault") && notExecuted(c.get("fault")) ? 0 : c.res.status,
      ms: world.now() - at,
      body_sha256: digest,
      fault: c.get("fault")?.kind ?? null,
    });
  };
}

/** Lets in whom the route is for: the account's credentials, or an upload token for the asset routes. */
export function guarded(world: World): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (c.req.path.startsWith(ASSETS)) {
      await verifyUploadToken(world, c.req.raw.headers);
      return next();
    }
    const allowance = spend(world, authenticate(world, c.req.raw.headers));
    if (!allowance.allowed) {
      return rateLimited(allowance.reset, allowance.headers);
    }
    await next();
    for (const [name, value] of Object.entries(allowance.headers)) {
      if (!c.res.headers.has(name)) {
        c.header(name, value);
      }
    }
  };
}

/** Runs a call, unless a fault is waiting for it. */
export function faulty(
  world: World,
  call: Call,
  run: (c: ApiContext) => Response | Promise<Response>,
): Handler<ApiEnv> {
  return async (c) => {
    const fault = takeAnswerFault(world, call, c.req.param("project") ?? null);
    c.set("fault", fault);
    switch (fault?.kind) {
      case "rate_limited": {
        const wait = fault.retry_after ?? 1;
        return rateLimited(wait, limitHeaders(world, 0, wait));
      }
      case "html":
        return gatewayPage(fault.status ?? 502);
      case "hang":
      case "dropped":
        c.env.vanish = fault.kind;
        return new Response(null);
      case "lost":
      case "late":
        c.env.vanish = fault.answer ?? "dropped";
        return run(c);
      default: {
        const error = fault && faultError(fault);
        return error ? refusal(error) : run(c);
      }
    }
  };
}

const notExecuted = (fault: Fault | null): boolean =>
  fault?.kind === "hang" || fault?.kind === "dropped";

async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY) {
    throw errors.tooLarge("The body is larger than 100 MiB.");
  }
  const body: Uint8Array[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  for (let chunk = await next(reader); chunk; chunk = await next(reader)) {
    size += chunk.length;
    if (size > MAX_BODY) {
      await reader?.cancel();
      throw errors.tooLarge("The body is larger than 100 MiB.");
    }
    body.push(chunk);
  }
  return concatBytes(...body);
}

async function next(
  reader: { read(): Promise<{ value?: Uint8Array | undefined }> } | undefined,
): Promise<Uint8Array | undefined> {
  try {
    return (await reader?.read())?.value;
  } catch {
    throw errors.badRequest("The body ended early.");
  }
}
