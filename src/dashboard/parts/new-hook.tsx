import type { FC } from "hono/jsx";

import { SOURCE_NAMES, sources } from "../../hooks/sources/index.ts";
import type { Source } from "../../hooks/sources/source.ts";
import type { ProjectView } from "../../project/shapes.ts";
import type { Visitor } from "../visitor.ts";
import { Icon } from "./mark.tsx";
import { Csrf } from "./project.tsx";

const KINDS = [
  ["git", "Git hosts"],
  ["cms", "Content management"],
  ["generic", "Anything else"],
  ["cloudflare", "Cloudflare"],
] as const;

export const NewHook: FC<{
  project: ProjectView;
  visitor: Visitor;
  source: Source | null;
  name: string;
  wrong: string | null;
}> = ({ project, visitor, source, name, wrong }) => {
  const path = `/projects/${project.project}/hooks`;
  if (source === null) {
    return (
      <section class="wide section" aria-label="Choose the sender">
        {KINDS.map(([kind, title]) => (
          <>
            <h2 class="section">{title}</h2>
            <ul class="choices">
              {SOURCE_NAMES.filter((each) => sources[each].kind === kind).map((each) => (
                <li>
                  <a class="button" href={`${path}/new?source=${each}`}>
                    {sources[each].title}
                  </a>
                </li>
              ))}
            </ul>
          </>
        ))}
      </section>
    );
  }
  const modes = Object.entries(source.modes);
  const options = new Set(modes.flatMap(([, mode]) => mode.options as readonly string[]));
  return (
    <section class="wide section" aria-label="Set it up">
      <form class="stack narrow" method="post" action={path}>
        <Csrf visitor={visitor} />
        <input type="hidden" name="source" value={name} />
        <p>
          Each accepted delivery asks for a deploy. <a href={`${path}/new`}>Another sender</a>
        </p>
        {wrong !== null && (
          <p class="told" role="alert">
            <Icon name="failed" tone="bad" />
            <span>{wrong}</span>
          </p>
        )}
        {modes.length > 1 && (
          <label>
            How it proves itself
            <select name="mode">
              {modes.map(([mode, { title }]) => (
                <option value={mode}>{title}</option>
              ))}
            </select>
          </label>
        )}
        {options.has("header") && (
          <label>
            Header, where the way above has one
            <input type="text" name="header" maxlength={128} spellcheck={false} />
          </label>
        )}
        {options.has("username") && (
          <label>
            User name, where the way above has one
            <input type="text" name="username" maxlength={128} spellcheck={false} />
          </label>
        )}
        {source.kind === "git" && (
          <>
            <label>
              Repository, as owner/name; deliveries about another one are refused
              <input type="text" name="repository" maxlength={255} spellcheck={false} />
            </label>
            <label>
              Branches, one a line; none means all; * and ** stand for anything
              <textarea name="include" rows={2} spellcheck={false}></textarea>
            </label>
            <label>
              Branches that are left out
              <textarea name="exclude" rows={2} spellcheck={false}></textarea>
            </label>
          </>
        )}
        {source.kind !== "git" && (
          <label>
            Branch that is deployed
            <input
              type="text"
              name="branch"
              placeholder={project.production_branch}
              maxlength={255}
              spellcheck={false}
            />
          </label>
        )}
        <label>
          Secret; made here unless the sender makes it
          <input type="password" name="secret" maxlength={512} autocomplete="off" />
        </label>
        <label>
          Note
          <input type="text" name="description" maxlength={200} />
        </label>
        <p class="actions">
          <button class="button primary" type="submit" disabled={!visitor.may("manage")}>
            Make the hook
          </button>
          <a class="button" href={path}>
            Leave it
          </a>
        </p>
      </form>
    </section>
  );
};
