import type { FC } from "hono/jsx";

import type { Question } from "../model/confirm.ts";
import type { Visitor } from "../visitor.ts";
import { Csrf } from "./project.tsx";
import { Say } from "./say.tsx";

/** A question as a form. The script takes it from here to where it was asked. */
export const Confirm: FC<{ of: Question; to: string; back: string; visitor: Visitor }> = ({
  of,
  to,
  back,
  visitor,
}) => (
  <form class="panel stack confirm" method="post" action={to} data-question={of.title}>
    <Csrf visitor={visitor} />
    <dl class="facts">
      {of.facts.map(([name, text]) => (
        <>
          <dt>{name}</dt>
          <dd>
            <Say it={text} />
          </dd>
        </>
      ))}
    </dl>
    {of.reason !== "none" && (
      <label>
        {of.reason === "needed" ? "Reason, kept and told to subscribers" : "Reason, if you like"}
        <input type="text" name="reason" maxlength={200} required={of.reason === "needed"} />
      </label>
    )}
    <p class="actions">
      {visitor.may(of.needs) ? (
        <button class={of.danger ? "button danger filled" : "button primary"} type="submit">
          {of.button}
        </button>
      ) : (
        <span class="off">
          <button class="button" type="button" disabled>
            {of.button}
          </button>
          <span class="meta">This takes the scope {of.needs}.</span>
        </span>
      )}
      <a class="button" href={back} data-keep="">
        {of.keep}
      </a>
    </p>
  </form>
);
