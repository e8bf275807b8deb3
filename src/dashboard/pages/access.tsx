import type { Context } from "hono";
import type { FC } from "hono/jsx";

import type { Api, AppEnv } from "../../api/context.ts";
import type { AccessRuleView } from "../../instance/access.ts";
import { referenceOf } from "../../objects.ts";
import { existing } from "../../problem.ts";
import { registeredProjects } from "../../walk.ts";
import { askPage } from "../ask-page.tsx";
import { read, type Ask as Asking } from "../ask.ts";
import { Head, show, Told } from "../frame.tsx";
import type { Question } from "../model/confirm.ts";
import { visible } from "../model/text.ts";
import { ScopeField, TextField, Wrong } from "../parts/form.tsx";
import { Ask, CopyField, Csrf } from "../parts/project.tsx";
import { Time } from "../parts/say.tsx";
import { follow, onForm, textOf } from "../posting.ts";
import { admitToInstance, type Visitor } from "../visitor.ts";

/** The kinds of somebody, as the API has them and as people are asked. */
const WHO = [
  ["email", "the address"],
  ["email_domain", "all addresses of the domain"],
  ["service_token", "the service token with the client id"],
] as const;

interface Refused {
  readonly form: URLSearchParams;
  readonly wrong: string;
}

/** Who comes through Cloudflare Access may do what these rules say. */
export function accessRoutes(api: Api, ask: Asking): void {
  const rulesOf = async (c: Context<AppEnv>, visitor: Visitor): Promise<AccessRuleView[]> =>
    (await read<{ items: AccessRuleView[] }>(ask, c, visitor, "/v1/access")).items;

  const list = async (
    c: Context<AppEnv>,
    visitor: Visitor,
    refused: Refused | null = null,
  ): Promise<Response> => {
    const rules = await rulesOf(c, visitor);
    const projects: string[] = [];
    for await (const { key } of registeredProjects(c.env)) {
      projects.push(referenceOf(key, c.var.config.accountId));
    }
    const children = (
      <>
        <Head
          title="Access"
          under="What those may do who come through Cloudflare Access, without a token of Signalbox."
        />
        <Told visitor={visitor} />
        {c.var.config.access === null && <NotConfigured />}
        <div class="wide cols section">
          <Rules of={rules} visitor={visitor} />
          <section aria-labelledby="add">
            <h2 id="add">Add a rule</h2>
            <AddRule projects={projects} refused={refused} visitor={visitor} />
          </section>
        </div>
      </>
    );
    const title = "Access · Signalbox";
    return show(
      c,
      { title, reader: visitor, visitor, at: "access", children },
      refused === null ? 200 : 422,
    );
  };

  api.get("/access", async (c) => list(c, await admitToInstance(c)));

  onForm(api, "/access", async (c, visitor, form) => {
    const who = WHO.find(([kind]) => kind === form.get("who"))?.[0] ?? "email";
    const project = textOf(form, "project");
    const description = textOf(form, "description");
    const reply = await ask<AccessRuleView>(c, visitor, "POST", "/v1/access", {
      [who]: textOf(form, "name") ?? "",
      scopes: [textOf(form, "scope") ?? ""],
      ...(project !== undefined && { project }),
      ...(description !== undefined && { description }),
    });
    return reply.ok
      ? follow(c, reply, { done: "The rule counts from now on.", not: "" }, "/access")
      : list(c, visitor, { form, wrong: reply.detail });
  });

  api.get("/access/:id/remove", async (c) => {
    const visitor = await admitToInstance(c);
    const rules = await rulesOf(c, visitor);
    const rule = rules.find(({ id }) => id === c.req.param("id")) ?? null;
    return askPage(
      c,
      visitor,
      { at: "access", back: "/access", crumb: "Access" },
      questionOf(
        existing(rule, "access_rule_not_found", "There is no such access rule here."),
        visitor,
      ),
    );
  });

  onForm(api, "/access/:id/remove", async (c, visitor) => {
    const path = `/v1/access/${encodeURIComponent(c.req.param("id") ?? "")}`;
    const reply = await ask<null>(c, visitor, "DELETE", path);
    return follow(c, reply, { done: "The rule is taken away.", not: "Not taken away" }, "/access");
  });
}

const nameOf = (rule: AccessRuleView): string =>
  visible(rule.email ?? rule.email_domain ?? rule.service_token ?? "");

const whereOf = ({ project }: AccessRuleView): string =>
  project === null ? "in all projects and the instance itself" : `in ${project}`;

function questionOf(rule: AccessRuleView, visitor: Visitor): Question {
  return {
    title: "Take this rule away?",
    facts: [
      ["Who", [{ foreign: nameOf(rule) }]],
      ["May", [`${rule.scopes.join(", ")}, ${whereOf(rule)}`]],
      [
        "Then",
        [
          "From the next request on it does not count. Who fits another rule may do what that one says; who fits none is let in by Access and refused here.",
        ],
      ],
      ...(visitor.access === true
        ? [
            [
              "You",
              [
                "You are here by such a rule yourself. If it is this one, making it again takes somebody else, or a token.",
              ],
            ] as const,
          ]
        : []),
    ],
    reason: "none",
    button: "Take the rule away",
    keep: "Keep the rule",
    danger: true,
    needs: "manage",
  };
}

const NotConfigured: FC = () => (
  <section class="band" aria-labelledby="missing">
    <div class="wide stack">
      <h2 id="missing">Access is not configured</h2>
      <p>
        Rules can be made, but nobody comes in by them yet: Signalbox looks at the header of Access
        only when it knows whose word counts. That takes an application in Cloudflare Zero Trust for
        this host name, and two settings of the Worker: your team's address, as{" "}
        <code>https://team.cloudflareaccess.com</code>, and the application's AUD tag.
      </p>
      <div class="stack narrow">
        <CopyField value="npx wrangler secret put ACCESS_TEAM" label="Command for the team" />
        <CopyField value="npx wrangler secret put ACCESS_AUD" label="Command for the AUD tag" />
      </div>
      <p class="meta">
        <code>docs/access.md</code> goes through it step by step, with what to leave open for hooks
        and wrangler.
      </p>
    </div>
  </section>
);

const Rules: FC<{ of: readonly AccessRuleView[]; visitor: Visitor }> = ({ of, visitor }) => (
  <section aria-label="Rules">
    {of.length === 0 && (
      <p class="none">
        No rule lets anybody in yet. Who Access lets in is told which address or client id a rule
        would have to name.
      </p>
    )}
    <ul class="list">
      {of.map((rule) => (
        <li>
          <span>
            <bdi class="strong">
              {rule.email_domain === null ? "" : "@"}
              {nameOf(rule)}
            </bdi>
            {rule.service_token !== null && " (service token)"}: {rule.scopes.join(", ")},{" "}
            {whereOf(rule)}
            <span class="meta block">
              {rule.description !== null && (
                <>
                  <bdi>{visible(rule.description)}</bdi>,{" "}
                </>
              )}
              made <Time at={rule.created_at} clock={visitor.clock} />
            </span>
          </span>
          <Ask to={`/access/${rule.id}/remove`} visitor={visitor} needs="manage" kind="danger">
            Take away…
          </Ask>
        </li>
      ))}
    </ul>
  </section>
);

const AddRule: FC<{
  projects: readonly string[];
  refused: Refused | null;
  visitor: Visitor;
}> = ({ projects, refused, visitor }) => {
  const was = (name: string): string | undefined => refused?.form.get(name) ?? undefined;
  return (
    <form class="stack" method="post" action="/access">
      <Csrf visitor={visitor} />
      <Wrong text={refused?.wrong} />
      <label>
        Who
        <select name="who">
          {WHO.map(([kind, text]) => (
            <option value={kind} selected={kind === was("who")}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <TextField
        label="Address, domain or client id"
        name="name"
        value={was("name")}
        max={254}
        required
        placeholder="ada@example.com"
      />
      <ScopeField label="May" chosen={was("scope")} />
      <label>
        Where
        <select name="project">
          <option value="">in all projects, and the instance itself</option>
          {projects.map((project) => (
            <option value={project} selected={project === was("project")}>
              {project}
            </option>
          ))}
        </select>
      </label>
      <TextField label="Note" name="description" value={was("description")} max={200} spelled />
      <p class="meta">Who fits several rules may do what any of them allows.</p>
      <p>
        <button class="button primary" type="submit">
          Add
        </button>
      </p>
    </form>
  );
};
