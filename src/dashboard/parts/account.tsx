import type { FC } from "hono/jsx";

import { CONFIGURED_OWNER } from "../../instance/accounts.ts";
import { visible } from "../model/text.ts";
import { textOf } from "../posting.ts";
import type { Visitor } from "../visitor.ts";
import { SecretField, TextField, Wrong } from "./form.tsx";
import { Ask, Csrf } from "./project.tsx";
import { Time } from "./say.tsx";

export interface Account {
  readonly id: string;
  readonly configured: boolean;
  readonly kind: "token" | "key";
  readonly owner: string;
  readonly description: string | null;
  readonly created_at: string | null;
  readonly changed_at: string | null;
  /** How many of its projects are registered. */
  readonly projects: number;
}

/** What the API is asked to store. */
export function accountIn(form: URLSearchParams): object {
  const fields = ["api_token", "email", "api_key", "owner", "description"];
  return Object.fromEntries(
    fields.flatMap((name) => {
      const text = textOf(form, name);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

const KINDS: Record<Account["kind"], string> = { token: "API token", key: "email and key" };

export const AccountList: FC<{ of: readonly Account[]; visitor: Visitor }> = ({ of, visitor }) => (
  <section aria-label="Accounts">
    <ul class="list">
      {of.map((account) => (
        <li>
          <span>
            <code>{account.id}</code> <bdi>{visible(account.description ?? "")}</bdi>
            <span class="meta block">
              {account.configured && "Configured, "}
              {KINDS[account.kind]}
              {account.owner !== CONFIGURED_OWNER && (
                <>
                  {" "}
                  of <bdi>{visible(account.owner)}</bdi>
                </>
              )}
              {account.changed_at !== null && (
                <>
                  {" "}
                  since <Time at={account.changed_at} clock={visitor.clock} />
                </>
              )}
              , {account.projects === 0 ? "no" : account.projects}{" "}
              {account.projects === 1 ? "project" : "projects"} registered
            </span>
          </span>
          <span class="actions">
            <a class="button" href={`/register?account=${account.id}`}>
              Its projects
            </a>
            {!account.configured && visitor.may("manage") && (
              <>
                <a class="button" href={`/accounts/${account.id}`}>
                  Replace
                </a>
                <Ask
                  to={`/accounts/${account.id}/remove`}
                  visitor={visitor}
                  needs="manage"
                  kind="danger"
                >
                  Forget…
                </Ask>
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
    {of.length === 1 && (
      <p class="second section">
        One instance looks after any number of accounts: those of an agency's clients, or one for
        each stage. Projects of a further one are called <code>account:name</code>.
      </p>
    )}
    <p class="meta section">
      The configured account's credential is a setting of the Worker, changed with{" "}
      <code>npx wrangler secret put CLOUDFLARE_API_TOKEN</code>.
    </p>
  </section>
);

/** For a new account, or for another credential of one that is there. */
export const AccountForm: FC<{
  to: string;
  visitor: Visitor;
  account: Account | null;
  /** What was written and refused; secrets are to be written again. */
  form?: URLSearchParams | undefined;
  wrong?: string | undefined;
}> = ({ to, visitor, account, form, wrong }) => {
  const was = (name: string, stored: string | null | undefined): string =>
    form?.get(name) ?? stored ?? "";
  const email = was("email", null);
  return (
    <form class="stack narrow" method="post" action={to}>
      <Csrf visitor={visitor} />
      <Wrong text={wrong} />
      {account === null && (
        <TextField
          label="The account's id, as Cloudflare's dashboard has it in its address"
          name="account"
          value={was("account", null)}
          max={32}
          required
        />
      )}
      <SecretField
        label="API token with the permission Account · Cloudflare Pages · Edit; stored sealed and not shown again"
        name="api_token"
      />
      <details class="more-form" open={email !== "" || account?.kind === "key"}>
        <summary>An email and its Global API Key instead</summary>
        <div class="stack section">
          <TextField label="Email" name="email" value={email} max={254} />
          <SecretField label="Global API Key; likewise" name="api_key" />
        </div>
      </details>
      <TextField
        label="Whose it is, if another user's than the configured one: Cloudflare counts calls by user"
        name="owner"
        value={was("owner", account?.owner === CONFIGURED_OWNER ? "" : account?.owner)}
        max={64}
        placeholder={CONFIGURED_OWNER}
      />
      <TextField
        label="Note"
        name="description"
        value={was("description", account?.description)}
        max={200}
        spelled
      />
      <p class="meta">
        It is tried at Cloudflare first. What is not let in there is not stored, and nothing
        changes.
      </p>
      <p class="actions">
        <button class="button primary" type="submit" disabled={!visitor.may("manage")}>
          {account === null ? "Add" : "Replace"}
        </button>
        {account !== null && (
          <a class="button" href="/accounts">
            Keep the one before
          </a>
        )}
      </p>
    </form>
  );
};
