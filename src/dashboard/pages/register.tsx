import type { FC } from "hono/jsx";

import type { Api } from "../../api/context.ts";
import { projectKey, referenceOf } from "../../objects.ts";
import type { Ask as Asking } from "../ask.ts";
import { show, Told } from "../frame.tsx";
import type { Line as LineOf } from "../model/line.ts";
import { visible } from "../model/text.ts";
import type { Account } from "../parts/account.tsx";
import { Line } from "../parts/line.tsx";
import { Icon } from "../parts/mark.tsx";
import { Csrf } from "../parts/project.tsx";
import { follow, onForm, textOf } from "../posting.ts";
import { admitToInstance, type Visitor } from "../visitor.ts";

interface AccountProject {
  readonly name: string;
  readonly subdomain: string;
  readonly production_branch: string;
  readonly source: "git" | "direct_upload";
  readonly registered: boolean;
}

/** First use, and each further project: pick one from an account. */
export function registerRoutes(api: Api, ask: Asking): void {
  api.get("/register", async (c) => {
    const visitor = await admitToInstance(c);
    const stored = await ask<{ items: Account[] }>(c, visitor, "GET", "/v1/accounts");
    const account = c.req.query("account") || c.var.config.accountId;
    const path = `/v1/accounts/${encodeURIComponent(account)}/projects`;
    const reply = await ask<{ items: AccountProject[] }>(c, visitor, "GET", path);
    const children = (
      <Pick
        all={reply.ok ? reply.value.items : []}
        refused={reply.ok ? null : reply.detail}
        account={account}
        accounts={stored.ok ? stored.value.items : []}
        visitor={visitor}
      />
    );
    return show(c, {
      title: "Register a project · Signalbox",
      reader: visitor,
      visitor,
      at: "projects",
      children,
    });
  });

  onForm(api, "/register", async (c, visitor, form) => {
    const { accountId } = c.var.config;
    const account = textOf(form, "account") ?? accountId;
    const project = referenceOf(projectKey(account, textOf(form, "project") ?? ""), accountId);
    const off = form.get("native_builds") === "off";
    const path = `/v1/projects/${encodeURIComponent(project)}`;
    const reply = await ask<{ warnings: { detail: string }[] }>(
      c,
      visitor,
      "PUT",
      path,
      off ? { native_builds: "off" } : {},
    );
    const done = ({ warnings }: { warnings: { detail: string }[] }): string =>
      [`${project} is registered.`, ...warnings.map(({ detail }) => detail)].join(" ");
    return follow(
      c,
      reply,
      { done, not: "Not registered" },
      () => `/projects/${project}`,
      account === accountId ? "/register" : `/register?account=${encodeURIComponent(account)}`,
    );
  });
}

const run = {
  since: 0,
  elapsed: 56,
  usual: 100,
  groups: [
    { name: "start", state: "done", from: 0, to: 9.5, usual: 9 },
    { name: "build", state: "now", from: 9.5, to: null, usual: 73 },
    { name: "deploy", state: "next", from: 0, to: null, usual: 18 },
  ],
} as const;

/** How a line reads, for those who see their first. */
const SAMPLE: LineOf = {
  name: null,
  trains: [
    { number: 3, ready: true },
    { number: 4, ready: true },
  ],
  signal: "stop",
  block: { is: "run", number: 2, run },
  siding: false,
  live: { number: 1 },
  label: "A sample line: #3 and #4 wait, #2 runs, #1 is live.",
};

const Pick: FC<{
  all: readonly AccountProject[];
  refused: string | null;
  /** The id of the one that is picked from. */
  account: string;
  accounts: readonly Account[];
  visitor: Visitor;
}> = ({ all, refused, account, accounts, visitor }) => {
  const open = all.filter(({ registered }) => !registered);
  const first = open.length === all.length && accounts.length <= 1;
  return (
    <>
      <section class="band intro">
        <Told visitor={visitor} />
        <div class="wide">
          <h1>{first ? "Pick the first project" : "Register a project"}</h1>
          <p class="second">
            Signalbox runs its deploys one at a time and in order, and says why anything waits. This
            is how a line reads:
          </p>
          <div class="lanes still">
            <Line of={SAMPLE} large />
          </div>
          <div class="columns">
            <p>
              <strong>Waiting.</strong>{" "}
              <span class="quiet">Each with its reason and, where there is one, its end.</span>
            </p>
            <p>
              <strong>Running.</strong>{" "}
              <span class="quiet">
                One at a time. The signal stays at stop until it has arrived.
              </span>
            </p>
            <p>
              <strong>Live.</strong> <span class="quiet">What visitors see.</span>
            </p>
          </div>
        </div>
      </section>
      <section class="section wide" aria-labelledby="found">
        <div class="sec-head">
          <h2 id="found">
            Pages projects in {accounts.length > 1 ? "this account" : "your account"}
          </h2>
          <span class="meta">
            {all.length} found, {all.length - open.length} registered
          </span>
          <span class="right">
            <a href={`/register?account=${encodeURIComponent(account)}`}>Look again</a>
            <a href="/accounts">Accounts</a>
          </span>
        </div>
        {accounts.length > 1 && (
          <nav class="filters" aria-label="Which account">
            {accounts.map(({ id, configured, description }) => (
              <a
                href={`/register?account=${id}`}
                {...(id === account ? { "aria-current": "true" as const } : {})}
              >
                <bdi>{visible(description ?? (configured ? "The configured one" : id))}</bdi>
              </a>
            ))}
          </nav>
        )}
        {refused !== null && (
          <p class="told" role="alert">
            <Icon name="failed" tone="bad" />
            <span>They can't be listed: {refused}</span>
          </p>
        )}
        {refused === null && open.length === 0 && (
          <p class="none">
            {all.length === 0
              ? "There is none yet. Make one at Cloudflare, then look again."
              : "All of them are registered."}
          </p>
        )}
        <ul class="list">
          {open.map((project) => (
            <li>
              <Found of={project} account={account} visitor={visitor} />
            </li>
          ))}
        </ul>
      </section>
      <ol class="wide three section">
        <li>
          <h2>1. Register</h2>
          <p class="quiet">Nothing changes at Cloudflare unless a box above says so.</p>
        </li>
        <li>
          <h2>2. Add a hook</h2>
          <p class="quiet">GitHub, GitLab, Sanity and others, with the values to paste.</p>
        </li>
        <li>
          <h2>3. Push</h2>
          <p class="quiet">
            Or put <code>wrangler pages deploy</code> through the queue with two environment
            variables.
          </p>
        </li>
      </ol>
    </>
  );
};

const Found: FC<{ of: AccountProject; account: string; visitor: Visitor }> = ({
  of,
  account,
  visitor,
}) => (
  <form class="found" method="post" action="/register">
    <Csrf visitor={visitor} />
    <input type="hidden" name="account" value={account} />
    <input type="hidden" name="project" value={of.name} />
    <span>
      <strong>{of.name}</strong>
      <span class="meta block">{of.subdomain}</span>
    </span>
    <span>{of.source === "git" ? `git, ${of.production_branch}` : "direct upload"}</span>
    <span>
      {of.source === "git" ? (
        <>
          <span class="reason">
            <Icon name="warning" tone="wait" />
            <span>
              Where Cloudflare builds each push by itself, a hook would have it built twice.
            </span>
          </span>
          <label class="check">
            <input type="checkbox" name="native_builds" value="off" checked /> Turn that off when
            registering
          </label>
        </>
      ) : (
        <span class="quiet">Ready</span>
      )}
    </span>
    <span class="end">
      <button class="button" type="submit" disabled={!visitor.may("manage")}>
        Register
      </button>
    </span>
  </form>
);
