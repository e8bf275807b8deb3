import { originOf, type Api } from "../../api/context.ts";
import { CopyField } from "../parts/project.tsx";
import { tabPage, viewOf } from "../tab-page.tsx";
import { admit } from "../visitor.ts";

/** A direct upload comes from a terminal or a CI job: this says what to put there. */
export function uploadRoutes(api: Api): void {
  api.get("/projects/:project/upload", async (c) => {
    const visitor = await admit(c, "project");
    const project = await viewOf(c);
    const lines = [
      ["Address", `export CLOUDFLARE_API_BASE_URL=${originOf(c)}/client/v4`],
      ["Token", "export CLOUDFLARE_API_TOKEN=<a token of this project with the scope deploy>"],
      ["Account", `export CLOUDFLARE_ACCOUNT_ID=${project.account_id}`],
      ["Deploy", `npx wrangler pages deploy ./dist --project-name ${project.name}`],
    ] as const;
    const children = (
      <section class="wide section" aria-label="With wrangler">
        <p>
          This project takes uploads. Put <code>wrangler</code> through the queue with these
          variables; nothing else of a job changes.
        </p>
        <dl class="facts paste">
          {lines.map(([label, value]) => (
            <>
              <dt>{label}</dt>
              <dd>
                <CopyField value={value} label={label} />
              </dd>
            </>
          ))}
        </dl>
        {visitor.may("manage") && (
          <p>
            <a href={`/projects/${project.project}/tokens`}>Make a token</a>
          </p>
        )}
      </section>
    );
    return tabPage(c, visitor, { project, tab: "deploys", title: "How to deploy" }, children);
  });
}
