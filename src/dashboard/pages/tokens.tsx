import type { Context } from "hono";
import type { FC } from "hono/jsx";

import type { Api, AppEnv } from "../../api/context.ts";
import { existing } from "../../problem.ts";
import type { TokenView } from "../../tokens.ts";
import { read, type Ask as Asking } from "../ask.ts";
import { askPage } from "../ask-page.tsx";
import { Head, show, Told } from "../frame.tsx";
import type { Question } from "../model/confirm.ts";
import { visible } from "../model/text.ts";
import { markOf } from "../model/words.ts";
import { ScopeField } from "../parts/form.tsx";
import { Icon, Mark } from "../parts/mark.tsx";
import { Ask, CopyField, Csrf } from "../parts/project.tsx";
import { Time } from "../parts/say.tsx";
import { follow, onForm, textOf, timeIn } from "../posting.ts";
import { deletionPage, tabPage, viewOf } from "../tab-page.tsx";
import { admit, admitToInstance, type Visitor } from "../visitor.ts";

const DAY_MS = 86_400_000;

/** The same for the instance and for each project. */
export function tokenRoutes(api: Api, ask: Asking): void {
  const places = [
    { path: "/tokens", api: "/v1/tokens" },
    { path: "/projects/:project/tokens", api: "/tokens" },
  ];
  for (const place of places) {
    const whole = place.path === "/tokens";
    const pathOf = (c: Context<AppEnv>): string =>
      whole ? "/tokens" : `/projects/${c.req.param("project")}/tokens`;
    const tokensOf = async (c: Context<AppEnv>, visitor: Visitor): Promise<TokenView[]> =>
      (await read<{ items: TokenView[] }>(ask, c, visitor, place.api)).items;
    const list = async (
      c: Context<AppEnv>,
      visitor: Visitor,
      more: More = {},
    ): Promise<Response> => {
      const all = await tokensOf(c, visitor);
      const children = <List all={all} path={pathOf(c)} visitor={visitor} more={more} />;
      const status = more.wrong === undefined ? 200 : 422;
      if (!whole) {
        const on = {
          project: await viewOf(c),
          tab: "tokens",
          title: "Tokens of this project",
        } as const;
        return tabPage(c, visitor, on, children, status);
      }
      const page = (
        <>
          <Head
            title="Tokens"
            under="Of the whole instance. Each project has tokens of its own, too."
          />
          <Told visitor={visitor} />
          {children}
        </>
      );
      return show(
        c,
        { title: "Tokens · Signalbox", reader: visitor, visitor, at: "tokens", children: page },
        status,
      );
    };

    api.get(place.path, async (c) =>
      list(c, await (whole ? admitToInstance(c) : admit(c, "project"))),
    );

    onForm(api, place.path, async (c, visitor, form) => {
      const expires = timeIn(form, "days", DAY_MS);
      const description = textOf(form, "description");
      const body = {
        scopes: [textOf(form, "scope") ?? ""],
        ...(description !== undefined && { description }),
        ...(expires !== undefined && { expires_at: expires }),
      };
      const reply = await ask<{ token: string }>(c, visitor, "POST", place.api, body);
      return list(c, visitor, reply.ok ? { token: reply.value.token } : { wrong: reply.detail });
    });

    api.get(`${place.path}/:id/revoke`, async (c) => {
      const visitor = await (whole ? admitToInstance(c) : admit(c, "project"));
      const found = (await tokensOf(c, visitor)).find(({ id }) => id === c.req.param("id"));
      const question = questionOf(
        existing(found ?? null, "token_not_found", "There is no such token."),
      );
      const back = pathOf(c);
      if (whole) {
        return askPage(c, visitor, { at: "tokens", back, crumb: "Tokens" }, question);
      }
      const on = { project: await viewOf(c), tab: "tokens", title: question.title } as const;
      return deletionPage(c, visitor, on, question, back);
    });

    onForm(api, `${place.path}/:id/revoke`, async (c, visitor) => {
      const id = encodeURIComponent(c.req.param("id") ?? "");
      const reply = await ask<null>(c, visitor, "DELETE", `${place.api}/${id}`);
      const done = "Revoked. Whoever is signed in with it is not any more.";
      return follow(c, reply, { done, not: "Not revoked" }, pathOf(c));
    });
  }
}

function questionOf({ id, description, scopes }: TokenView): Question {
  return {
    title: "Revoke this token?",
    facts: [
      ["Token", [description === null ? "" : { foreign: visible(description) }, ` ${id}`]],
      ["May", [scopes.join(", ")]],
      [
        "Then",
        [
          "What uses it is refused from then on, and whoever is signed in with it is not any more. It can't be taken back.",
        ],
      ],
    ],
    reason: "none",
    button: "Revoke the token",
    keep: "Keep the token",
    danger: true,
    needs: "manage",
  };
}

interface More {
  readonly token?: string;
  readonly wrong?: string;
}

const List: FC<{ all: readonly TokenView[]; path: string; visitor: Visitor; more: More }> = ({
  all,
  path,
  visitor,
  more,
}) => (
  <div class="wide cols section">
    <section aria-label="Tokens">
      {more.token !== undefined && (
        <div class="panel stack" role="status">
          <p>The token is made.</p>
          <CopyField value={more.token} label="Token" />
          <p class="once reason">
            <Icon name="lock" tone="wait" />
            <span>It is shown now and never again.</span>
          </p>
        </div>
      )}
      {all.length === 0 && (
        <p class="none">None is stored. Tokens that npm run token made are stored nowhere.</p>
      )}
      <ul class="list">
        {all.map((token) => (
          <li>
            <span>
              <State of={token} now={visitor.clock.now} />{" "}
              <bdi>{visible(token.description ?? "")}</bdi>
              <span class="meta block">
                <code>{token.id}</code>, {token.scopes.join(", ")}, made{" "}
                <Time at={token.created_at} clock={visitor.clock} />
                {token.expires_at !== null && (
                  <>
                    , until <Time at={token.expires_at} clock={visitor.clock} />
                  </>
                )}
              </span>
            </span>
            {token.revoked_at === null && (
              <Ask to={`${path}/${token.id}/revoke`} visitor={visitor} needs="manage" kind="danger">
                Revoke…
              </Ask>
            )}
          </li>
        ))}
      </ul>
    </section>
    <section aria-labelledby="add">
      <h2 id="add">Make a token</h2>
      {more.wrong !== undefined && (
        <p class="told" role="alert">
          <Icon name="failed" tone="bad" />
          <span>{more.wrong}</span>
        </p>
      )}
      <form class="stack" method="post" action={path}>
        <Csrf visitor={visitor} />
        <ScopeField label="It may" />
        <label>
          What it is for
          <input type="text" name="description" maxlength={200} />
        </label>
        <label>
          Days until it expires; 0 is never
          <input type="number" name="days" value="0" min={0} max={3650} />
        </label>
        <p>
          <button class="button primary" type="submit">
            Make a token
          </button>
        </p>
      </form>
    </section>
  </div>
);

const State: FC<{ of: TokenView; now: number }> = ({ of, now }) =>
  of.revoked_at !== null ? (
    <Mark of={{ ...markOf("canceled"), word: "revoked" }} />
  ) : of.expires_at !== null && Date.parse(of.expires_at) <= now ? (
    <Mark of={{ ...markOf("canceled"), word: "expired" }} />
  ) : (
    <Mark of={{ ...markOf("succeeded"), word: "good" }} />
  );
