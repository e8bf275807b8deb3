import type { Context } from "hono";

import type { AppEnv } from "../api/context.ts";
import { Head, show, type PageProps } from "./frame.tsx";
import type { Question } from "./model/confirm.ts";
import { Confirm } from "./parts/confirm.tsx";
import type { Visitor } from "./visitor.ts";

/** A question about something of the instance, as a page of its own. */
export function askPage(
  c: Context<AppEnv>,
  visitor: Visitor,
  on: { readonly at: NonNullable<PageProps["at"]>; readonly back: string; readonly crumb: string },
  question: Question,
): Response {
  return show(c, {
    title: `${question.title} · Signalbox`,
    reader: visitor,
    visitor,
    at: on.at,
    children: (
      <>
        <Head crumbs={[[on.back, on.crumb]]} title={question.title} />
        <section class="wide plain">
          <Confirm of={question} to={c.req.path} back={on.back} visitor={visitor} />
        </section>
      </>
    ),
  });
}
