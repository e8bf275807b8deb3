import type { Context } from "hono";

import type { AppEnv } from "../api/context.ts";
import type { Problem } from "../problem.ts";
import { Head, show } from "./frame.tsx";
import { ACCESS_LOGOUT, readerOf } from "./visitor.ts";
import { signInPage } from "./pages/sign-in.tsx";

const OTHER_DOORS = /^\/(?:v1|hooks|client|badges|metrics)(?:\/|$)/;

/** Whether it is a browser that asks, and for a page: programs are answered in JSON. */
export function wantsPage(c: Context<AppEnv>): boolean {
  const accept = c.req.header("accept") ?? "";
  return accept.includes("text/html") && !OTHER_DOORS.test(c.req.path);
}

const TITLES: Record<number, string> = {
  403: "You may not do this",
  404: "Nothing is here",
  503: "Signalbox is not ready",
};

/** A refusal as a page. Who is not signed in gets the form to do so, at the address that they asked for. */
export function answerPage(c: Context<AppEnv>, problem: Problem): Response {
  if (problem.status === 401) {
    const asked = c.req.method === "GET" ? c.req.path : "/";
    const [, project = ""] = /^\/projects\/([a-z0-9-]+)/.exec(c.req.path) ?? [];
    return signInPage(c, { next: asked, problem, project });
  }
  const unruled = problem.code === "no_access_rule";
  const title = unruled
    ? "No rule lets you in yet"
    : (TITLES[problem.status] ?? "That did not work");
  const { errors = [], headers = {} } = problem.extras;
  for (const [name, value] of Object.entries(headers)) {
    c.header(name, value);
  }
  return show(
    c,
    {
      title,
      reader: readerOf(c),
      icon: "failed",
      children: (
        <>
          <Head crumbs={[["/", "Projects"]]} title={title} />
          <section class="wide plain">
            {errors.length > 0 && problem.status === 503 ? (
              <ul class="bare">
                {errors.map(({ field, detail }) => (
                  <li>
                    <code>{field}</code> {detail}
                  </li>
                ))}
              </ul>
            ) : (
              <p>{problem.message}</p>
            )}
            {unruled && (
              <p>
                <a href="/sign-in">Sign in with a token</a>, or{" "}
                <a href={ACCESS_LOGOUT}>log in as somebody else</a>.
              </p>
            )}
            <p class="meta">
              {problem.status}, {problem.code}, request {c.var.requestId}
            </p>
          </section>
        </>
      ),
    },
    problem.status,
  );
}
