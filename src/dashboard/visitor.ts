import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import * as z from "zod";

import type { AppEnv } from "../api/context.ts";
import { accessAdmitted, noAccessRule } from "../api/access.ts";
import { askInstance, keyOf, type Caller } from "../api/context.ts";
import { known, unauthorized } from "../api/guard.ts";
import { readBody } from "../body.ts";
import { referenceOf } from "../objects.ts";
import { Problem } from "../problem.ts";
import { accessActor } from "../security/access.ts";
import {
  formToken,
  isFormToken,
  openSession,
  renewedSession,
  sealSession,
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

/** Who is signed in, or came through Cloudflare Access. */
export interface Visitor extends Reader, Caller {
  /** The only projects that there are for a project's token, or by access rules; null: all, and the instance. */
  readonly only: readonly string[] | null;
  /** Whom forms are to come from: those of another session are refused. */
  readonly owner: string;
  /** For every form. */
  readonly csrf: string;
  /** What came of the form that led to this page. */
  readonly told: Feedback | null;
  may(scope: Scope): boolean;
}

const Feedback = z.object({ ok: z.boolean(), text: z.string() });
export type Feedback = z.infer<typeof Feedback>;

/** Answered by Access itself, on every host name that it guards. */
export const ACCESS_LOGOUT = "/cdn-cgi/access/logout";

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

/** That there is a session is noted before somebody has it, so that what the keyring says of its key is never too little. */
export async function startSession(
  c: Context<AppEnv>,
  session: Session,
  now: number,
): Promise<void> {
  const { name, options } = cookies(c);
  const { keyring } = c.var.config;
  await askInstance(c, (instance) => instance.noteSession(keyring.current, session.until));
  const sealed = await sealSession(keyring, session);
  const maxAge = Math.ceil((session.until - now) / 1000);
  setCookie(c, name("signalbox"), sealed, { ...options, maxAge });
}

export function endSession(c: Context<AppEnv>): void {
  const { name, options } = cookies(c);
  deleteCookie(c, name("signalbox"), options);
}

function sealedIn(c: Context<AppEnv>): string {
  return getCookie(c, cookies(c).name("signalbox")) ?? "";
}

export async function sessionOf(c: Context<AppEnv>): Promise<Session | null> {
  return openSession(c.var.config.keyring, sealedIn(c), Date.now());
}

/** Somebody who may look at some page, and at which; `keys` null: at all. */
interface Known {
  readonly caller: Caller;
  readonly registered: boolean;
  readonly keys: readonly string[] | null;
  readonly owner: string;
}

async function bySession(c: Context<AppEnv>, key: string | null): Promise<Known | null> {
  const session = await sessionOf(c);
  if (session === null) {
    return null;
  }
  const { held, nonce } = session;
  const keys = held.kind === "stored" && held.where !== INSTANCE ? [held.where] : null;
  const found = await known(c, held, key);
  // Whoever looks at a page while a key is rotated stays signed in when the old one goes.
  if (c.var.config.keyring.needsReseal(sealedIn(c))) {
    const now = Date.now();
    await startSession(c, renewedSession(session, now), now);
  }
  return { ...found, keys, owner: nonce };
}

/** Who has rules for some projects alone may look at the pages that say so, and do nothing there. */
async function byAccess(c: Context<AppEnv>, key: string | null): Promise<Known | null> {
  const admitted = await accessAdmitted(c, key);
  if (admitted === null) {
    return null;
  }
  const { identity, scopes, registered, projects: keys } = admitted;
  if (keys?.length === 0) {
    throw noAccessRule(identity);
  }
  const token = accessActor(identity);
  return { caller: { token, scopes, access: true }, registered, keys, owner: token };
}

/**
 * Lets a visitor on: what they may do is asked each time, so that pages of a revoked token, or of a rule that was taken away,
 * are dead at once. A project's token has that project and nothing else. A session comes before a login with Access.
 */
export async function admit(c: Context<AppEnv>, on: "project" | "instance"): Promise<Visitor> {
  const named = on === "project" ? (c.req.param("project") ?? "") : null;
  const key = named === null ? null : keyOf(c, named);
  const found = (await bySession(c, key)) ?? (await byAccess(c, key));
  if (found === null) {
    throw unauthorized("token_missing", "Sign in to see this page.");
  }
  const { caller, registered, keys, owner } = found;
  if (named !== null && (!registered || key === null || keys?.includes(key) === false)) {
    throw new Problem("project_not_found", "No project of this name is registered here.");
  }
  c.set("caller", caller);
  return {
    ...readerOf(c),
    ...caller,
    only: keys?.map((each) => referenceOf(each, c.var.config.accountId)) ?? null,
    owner,
    csrf: await formToken(c.var.config.keyring, owner),
    told: await takeFeedback(c),
    may: (scope) => allows(caller.scopes, scope),
  };
}

/** Only with an instance's token, or a rule for the instance. */
export async function admitToInstance(c: Context<AppEnv>): Promise<Visitor> {
  const visitor = await admit(c, "instance");
  if (visitor.only !== null) {
    const whose = visitor.access === true ? "your access rules are" : "your token is";
    const detail = `This page is about the whole instance; ${whose} for ${visitor.only.join(", ")} alone.`;
    throw new Problem("insufficient_scope", detail);
  }
  return visitor;
}

const FORM_LIMIT = 131_072;
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

/** The fields of a form that this visitor, or session, was given. */
export async function formOf(c: Context<AppEnv>, owner: string): Promise<URLSearchParams> {
  const form = await readForm(c);
  if (!(await isFormToken(c.var.config.keyring, owner, form.get("csrf") ?? ""))) {
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
