import type { Context } from "hono";
import { csrf } from "hono/csrf";

import { keyOf, originOf, type Api, type AppEnv } from "../../api/context.ts";
import { known, readHeld, unauthorized } from "../../api/guard.ts";
import { Problem } from "../../problem.ts";
import { INSTANCE } from "../../security/tokens.ts";
import { isTooMuch, THROTTLED_SECONDS } from "../../security/throttle.ts";
import { newSession } from "../../security/session.ts";
import { Head, show } from "../frame.tsx";
import { Icon } from "../parts/mark.tsx";
import { ownPath } from "../path.ts";
import { endSession, formOf, readerOf, readForm, sessionOf, startSession } from "../visitor.ts";

interface SignIn {
  /** Where to go from here. */
  readonly next: string;
  readonly problem?: Problem;
  readonly project?: string;
}

/** Guessing is hopeless for the tag alone; this, and a limit for each address, keep it from being cheap. */
const SLOWED_MS = 400;

/** Forms come from our own pages and from nowhere else. */
export const sameOrigin = csrf({
  origin: (origin, c: Context<AppEnv>) =>
    origin === originOf(c) || origin === new URL(c.req.url).origin,
});

export function signInPage(c: Context<AppEnv>, { next, problem, project = "" }: SignIn): Response {
  const wrong = problem !== undefined && problem.code !== "token_missing";
  const page = {
    title: "Sign in · Signalbox",
    reader: readerOf(c),
    children: (
      <>
        <Head title="Sign in" under="With a token of this instance, or of one of its projects." />
        <section class="wide plain">
          <form class="stack narrow" method="post" action="/sign-in">
            {wrong && (
              <p class="told" role="alert">
                <Icon name="failed" tone="bad" />
                <span>{problem.message}</span>
              </p>
            )}
            <input type="hidden" name="next" value={next} />
            <label>
              Token
              <input
                type="password"
                name="token"
                required
                autocomplete="current-password"
                spellcheck={false}
              />
            </label>
            <label>
              Project
              <input
                type="text"
                name="project"
                value={project}
                maxlength={58}
                autocapitalize="none"
                autocomplete="off"
                aria-describedby="project-hint"
              />
            </label>
            <p class="meta" id="project-hint">
              Only for a project's own token: which project it is for.
            </p>
            <p>
              <button class="button primary" type="submit">
                Sign in
              </button>
            </p>
          </form>
          <p class="meta">
            The first token of an instance is made with <code>npm run token</code>. A session lasts
            12 hours, and ends at once when its token is revoked.
          </p>
        </section>
      </>
    ),
  };
  return show(c, page, problem === undefined ? 200 : problem.status);
}

export function signInRoutes(api: Api): void {
  api.get("/sign-in", (c) => {
    const { next = null, project = "" } = c.req.query();
    return signInPage(c, { next: ownPath(next), project });
  });

  api.post("/sign-in", sameOrigin, async (c) => {
    const form = await readForm(c);
    const project = (form.get("project") ?? "").trim();
    const next = ownPath(form.get("next"));
    if (await isTooMuch(c.env.SIGN_INS, c.req.raw)) {
      c.header("retry-after", String(THROTTLED_SECONDS));
      const problem = new Problem(
        "too_many_sign_ins",
        "Somebody at this address has tried to sign in too often. Try again in a minute.",
      );
      return signInPage(c, { next, problem, project });
    }
    try {
      await signIn(c, (form.get("token") ?? "").trim(), project);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        await scheduler.wait(SLOWED_MS);
        return signInPage(c, { next, problem: error, project });
      }
      throw error;
    }
    return c.redirect(next, 303);
  });

  api.post("/sign-out", sameOrigin, async (c) => {
    const session = await sessionOf(c);
    if (session === null) {
      throw unauthorized("token_missing", "You are not signed in with a token.");
    }
    await formOf(c, session.nonce);
    endSession(c);
    return c.redirect("/sign-in", 303);
  });
}

async function signIn(c: Context<AppEnv>, token: string, project: string): Promise<void> {
  const key = project === "" ? null : keyOf(c, project);
  if (project !== "" && key === null) {
    throw unauthorized("invalid_token", "No Pages project can have this name.");
  }
  const held = await readHeld(c, token, key === null ? [INSTANCE] : [key, INSTANCE]).catch(
    (error: unknown) => {
      if (key === null && error instanceof Problem && error.code === "invalid_token") {
        const detail =
          "This is not a token of this instance. Was all of it copied? For a project's token, give the project too.";
        throw unauthorized("invalid_token", detail);
      }
      throw error;
    },
  );
  await known(c, held, null);
  const now = Date.now();
  await startSession(c, newSession(held, now), now);
}
