import type { Context } from "hono";

import type { Api, AppEnv } from "../../api/context.ts";
import { existing } from "../../problem.ts";
import { registeredProjects } from "../../walk.ts";
import { askPage } from "../ask-page.tsx";
import { read, type Ask as Asking } from "../ask.ts";
import { Head, show, Told } from "../frame.tsx";
import { visible } from "../model/text.ts";
import { accountIn, AccountForm, AccountList, type Account } from "../parts/account.tsx";
import { BuildsAtOnce, CallBudgets, type Builds, type OwnersBudget } from "../parts/limit.tsx";
import { follow, onForm, textOf } from "../posting.ts";
import { admitToInstance, type Visitor } from "../visitor.ts";

/** A form that was refused, with what was written. */
interface Refused {
  readonly of: "account" | "builds";
  readonly form: URLSearchParams;
  readonly wrong: string;
}

/** The Cloudflare accounts, and what Cloudflare lets all of them do. */
export function accountRoutes(api: Api, ask: Asking): void {
  const accountsOf = async (c: Context<AppEnv>, visitor: Visitor): Promise<Account[]> => {
    const { items } = await read<{ items: Omit<Account, "projects">[] }>(ask, c, visitor, ACCOUNTS);
    const counts = await projectCounts(c);
    return items.map((each) => ({ ...each, projects: counts.get(each.id) ?? 0 }));
  };
  /** The account in the path, which is not the configured one. */
  const further = async (c: Context<AppEnv>, visitor: Visitor): Promise<Account> => {
    const all = await accountsOf(c, visitor);
    const found = all.find(({ id, configured }) => id === c.req.param("account") && !configured);
    return existing(found ?? null, "account_not_found", "No such account is stored here.");
  };

  const list = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    refused: Refused | null = null,
  ): Promise<Response> => {
    const accounts = await accountsOf(c, visitor);
    const { owners } = await read<{ owners: OwnersBudget[] }>(ask, c, visitor, "/v1/budget");
    const builds = await read<Builds>(ask, c, visitor, "/v1/builds");
    const on = (what: Refused["of"]): Refused | null => (refused?.of === what ? refused : null);
    const children = (
      <>
        <Head
          title="Accounts"
          under="The Cloudflare accounts that are looked after, and what Cloudflare lets them do."
        />
        <Told visitor={visitor} />
        <div class="wide cols section">
          <div>
            <AccountList of={accounts} visitor={visitor} />
            <CallBudgets of={owners} clock={visitor.clock} />
            <BuildsAtOnce
              of={builds}
              visitor={visitor}
              wrong={on("builds")?.wrong}
              written={on("builds")?.form.get("max_builds") ?? undefined}
            />
          </div>
          {visitor.may("manage") && (
            <section aria-labelledby="add">
              <h2 id="add">Add an account</h2>
              <AccountForm
                to="/accounts"
                visitor={visitor}
                account={null}
                form={on("account")?.form}
                wrong={on("account")?.wrong}
              />
            </section>
          )}
        </div>
      </>
    );
    const title = "Accounts · Signalbox";
    return show(
      c,
      { title, reader: visitor, visitor, at: "accounts", children },
      refused === null ? 200 : 422,
    );
  };

  const replacing = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    form?: URLSearchParams,
    wrong?: string,
  ): Promise<Response> => {
    const account = await further(c, visitor);
    const children = (
      <>
        <Head
          crumbs={[["/accounts", "Accounts"]]}
          title="Replace the credential"
          under={
            <>
              Of <code>{account.id}</code>. The one that is stored works until the new one is.
            </>
          }
        />
        <section class="wide plain" aria-label="The new credential">
          <AccountForm
            to={`/accounts/${account.id}`}
            visitor={visitor}
            account={account}
            form={form}
            wrong={wrong}
          />
        </section>
      </>
    );
    const title = "Replace the credential · Signalbox";
    return show(
      c,
      { title, reader: visitor, visitor, at: "accounts", children },
      wrong === undefined ? 200 : 422,
    );
  };

  const put = (
    c: Context<AppEnv>,
    visitor: Visitor,
    id: string | undefined,
    form: URLSearchParams,
  ): ReturnType<typeof ask<Account>> =>
    ask<Account>(c, visitor, "PUT", pathOf(id), accountIn(form));

  api.get("/accounts", async (c) => list(c, await admitToInstance(c)));

  onForm(api, "/accounts", async (c, visitor, form) => {
    const reply = await put(c, visitor, textOf(form, "account"), form);
    return reply.ok
      ? follow(c, reply, { done: stored, not: "" }, "/accounts")
      : list(c, visitor, { of: "account", form, wrong: reply.detail });
  });

  onForm(api, "/builds", async (c, visitor, form) => {
    const text = textOf(form, "max_builds");
    // What is no number is handed on as it was written, to be refused.
    const limit = text === undefined ? null : Number.isFinite(Number(text)) ? Number(text) : text;
    const reply = await ask<Builds>(c, visitor, "PATCH", "/v1/builds", { max_builds: limit });
    const done = ({ max_builds: max }: Builds): string =>
      max === null
        ? "As many builds run at once as Cloudflare lets."
        : `At most ${max} ${max === 1 ? "build runs" : "builds run"} at once in an account.`;
    return reply.ok
      ? follow(c, reply, { done, not: "" }, "/accounts")
      : list(c, visitor, { of: "builds", form, wrong: reply.detail });
  });

  api.get("/accounts/:account", async (c) => replacing(c, await admitToInstance(c)));

  onForm(api, "/accounts/:account", async (c, visitor, form) => {
    const reply = await put(c, visitor, c.req.param("account"), form);
    return reply.ok
      ? follow(c, reply, { done: stored, not: "" }, "/accounts")
      : replacing(c, visitor, form, reply.detail);
  });

  api.get("/accounts/:account/remove", async (c) => {
    const visitor = await admitToInstance(c);
    const { id, description, projects } = await further(c, visitor);
    return askPage(
      c,
      visitor,
      { at: "accounts", back: "/accounts", crumb: "Accounts" },
      {
        title: "Forget this account?",
        facts: [
          ["Account", [{ hash: id }, " ", { foreign: visible(description ?? "") }]],
          [
            "Then",
            [
              "Its credential is forgotten here. Nothing changes at Cloudflare: there it is good until you revoke it.",
            ],
          ],
          [
            "Projects",
            [
              projects === 0
                ? "None of its projects is registered."
                : `${counted(projects)} registered. As long as one is, the account stays.`,
            ],
          ],
        ],
        reason: "none",
        button: "Forget the account",
        keep: "Keep the account",
        danger: true,
        needs: "manage",
      },
    );
  });

  onForm(api, "/accounts/:account/remove", async (c, visitor) => {
    const reply = await ask<null>(c, visitor, "DELETE", pathOf(c.req.param("account")));
    const words = { done: "The account and its credential are forgotten.", not: "Not forgotten" };
    return follow(c, reply, words, "/accounts");
  });
}

const ACCOUNTS = "/v1/accounts";

/** Without an id, that of no account: so the refusal is the API's. */
function pathOf(id = "?"): string {
  return `${ACCOUNTS}/${encodeURIComponent(id)}`;
}

function stored({ id, created_at: made, changed_at: changed }: Account): string {
  return made === changed
    ? `The account ${id} is added.`
    : `The credential of ${id} is replaced. Wait a minute, then revoke the one before at Cloudflare.`;
}

const counted = (n: number): string => `${n} ${n === 1 ? "is" : "are"}`;

async function projectCounts(c: Context<AppEnv>): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { account_id: id } of registeredProjects(c.env)) {
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}
