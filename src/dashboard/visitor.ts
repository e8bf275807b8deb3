import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import * as z from "zod";

import type { AppEnv } from "../api/context.ts";
import { keyOf } from "../api/context.ts";
import { known, unauthorized } from "../api/guard.ts";
import { readBody } from "../body.ts";
import { referenceOf } from "../objects.ts";
import { Problem } from "../problem.ts";
import {
  formToken,
  isFormToken,
  openSession,
  sealSession,
  SESSION_MS,
  type Session,
} from "../security/session.ts";
import { allows, INSTANCE, type Scope } from "../security/tokens.ts";
import { zoneOr, type Clock } from "./model/time.ts";

/** Who looks at a page, and how. */
export interface Reader {
  readonly clock: Clock;
  /** false: the page says that its times are UTC. */
  readonly zoned: boolean;
  readonly theme: "light" | "dark" | null;
}

/** Who is signed in. */
export interface Visitor extends Reader {
  readonly token: string;
  readonly scopes: readonly Scope[];
  /** Of a project's token: the only project there is for it. */
  readonly only: string | null;
  /** For every form. */
  readonly csrf: string;
  /** What came of the form that led to this page. */
  readonly told: Feedback | null;
  may(scope: Scope): boolean;
}

const Feedback = z.object({ ok: z.boolean(), text: z.string() });
export type Feedback = z.infer<typeof Feedback>;

const FEEDBACK_CONTEXT = "feedback";
const ZONE = "zone";
const THEME = "theme";

/** Browsers differ in whether they keep Secure cookies of http on loopback, so the local stack asks for none. */
function cookies(c: Context<AppEnv>): {
  readonly options: { httpOnly: true; secure: boolean; sameSite: "Lax"; path: "/" };
  readonly name: (what: string) => string;
} {
  const secure = !c.var.config.local;
  return {
    options: { httpOnly: true, secure, sameSite: "Lax", path: "/" },
    name: (what) => (secure ? `__Host-${what}` : what),
  };
}

export function readerOf(c: Context<AppEnv>): Reader {
  const zone = zoneOr(getCookie(c, ZONE));
  const theme = getCookie(c, THEME);
  return {
    clock: { now: Date.now(), zone: zone ?? "UTC" },
    zoned: zone !== null,
    theme: theme === "light" || theme === "dark" ? theme : null,
  };
}

export async function startSession(c: Context<AppEnv>, session: Session): Promise<void> {
  const { name, options } = cookies(c);
  const sealed = await sealSession(c.var.config.keyring, session);
  setCookie(c, name("signalbox"), sealed, { ...options, maxAge: SESSION_MS / 1000 });
}

export function endSession(c: Context<AppEnv>): void {
  const { name, options } = cookies(c);
  deleteCookie(c, name("signalbox"), options);
}

async function sessionOf(c: Context<AppEnv>): Promise<Session> {
  const sealed = getCookie(c, cookies(c).name("signalbox")) ?? "";
  const session = await openSession(c.var.config.keyring, sealed, Date.now());
  if (session === null) {
    throw unauthorized("token_missing", "Sign in to see this page.");
  }
  return session;
}

/**
 * Lets a signed-in visitor on: their token is asked about each time, so that pages of a revoked one are dead at once. A
 * project's token has that project and nothing else.
 */
export async function admit(c: Context<AppEnv>, on: "project" | "instance"): Promise<Visitor> {
  const session = await sessionOf(c);
  const { held } = session;
  const where = held.kind === "stored" && held.where !== INSTANCE ? held.where : null;
  const named = on === "project" ? (c.req.param("project") ?? "") : null;
  const key = named === null ? null : keyOf(c, named);
  const { caller, registered } = await known(c, held, key);
  if (named !== null && (!registered || key === null || (where !== null && where !== key))) {
    throw new Problem("project_not_found", "No project of this name is registered here.");
  }
  c.set("caller", caller);
  const { scopes, token } = caller;
  return {
    ...readerOf(c),
    token,
    scopes,
    only: where === null ? null : referenceOf(where, c.var.config.accountId),
    csrf: await formToken(c.var.config.keyring, session),
    told: await takeFeedback(c),
    may: (scope) => allows(scopes, scope),
  };
}

/** Only with an instance's token. */
export async function admitToInstance(c: Context<AppEnv>): Promise<Visitor> {
  const visitor = await admit(c, "instance");
  if (visitor.only !== null) {
    const detail = `This page is about the whole instance; your token is for ${visitor.only} alone.`;
    throw new Problem("insufficient_scope", detail);
  }
  return visitor;
}

const FORM_LIMIT = 131_072;
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

/** The fields of a form of this session. */
export async function formOf(c: Context<AppEnv>): Promise<URLSearchParams> {
  const session = await sessionOf(c);
  const form = await readForm(c);
  if (!(await isFormToken(c.var.config.keyring, session, form.get("csrf") ?? ""))) {
    const detail = "This form is of another session. Load the page again, and send it from there.";
    throw new Problem("bad_request", detail);
  }
  return form;
}

export async function readForm(c: Context<AppEnv>): Promise<URLSearchParams> {
  if (!FORM_TYPE.test(c.req.header("content-type") ?? "")) {
    throw new Problem("unsupported_media_type", "This address takes a form of its page.");
  }
  return new URLSearchParams(new TextDecoder().decode(await readBody(c.req.raw, FORM_LIMIT)));
}

/** Shown by the next page, once. Sealed, so that nobody can put words into our mouth. */
export async function tell(c: Context<AppEnv>, feedback: Feedback): Promise<void> {
  const { name, options } = cookies(c);
  const sealed = await c.var.config.keyring.seal(FEEDBACK_CONTEXT, JSON.stringify(feedback));
  setCookie(c, name("told"), sealed, { ...options, maxAge: 60 });
}

async function takeFeedback(c: Context<AppEnv>): Promise<Feedback | null> {
  const { name, options } = cookies(c);
  // A page that is read again by its script, perhaps in another tab, is not the next one.
  const read =
    c.req.method === "GET" && (c.req.header("sec-fetch-mode") ?? "navigate") === "navigate";
  const sealed = read ? getCookie(c, name("told")) : undefined;
  if (sealed === undefined) {
    return null;
  }
  deleteCookie(c, name("told"), options);
  const text = await c.var.config.keyring.unseal(FEEDBACK_CONTEXT, sealed);
  return text === null ? null : Feedback.parse(JSON.parse(text));
}

export function setTheme(c: Context<AppEnv>, theme: string): void {
  const { secure, sameSite, path } = cookies(c).options;
  const kept = theme === "light" || theme === "dark" ? theme : "";
  setCookie(c, THEME, kept, { secure, sameSite, path, maxAge: kept === "" ? 0 : 31_536_000 });
}
