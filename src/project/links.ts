import { configuredAccount, publicUrlOf } from "../env.ts";
import { referenceOf } from "../objects.ts";
import type { DeployRow, ProjectRow } from "./rows.ts";
import type { Deploy, Deployment } from "./shapes.ts";

/** Where people find a deploy. What is not known yet, or was not when the project was registered, is null. */
export function linksOf(
  env: object,
  project: ProjectRow,
  row: DeployRow,
  deployment: Deployment | null,
): Deploy["links"] {
  const origin = publicUrlOf(env) ?? project.origin;
  const { account_id: account, name } = project;
  const reference = referenceOf(project.key, configuredAccount(env));
  return {
    dashboard: origin === null ? null : `${origin}/projects/${reference}/deploys/${row.number}`,
    deployment:
      deployment === null
        ? null
        : `https://dash.cloudflare.com/${account}/pages/view/${name}/${deployment.id}`,
    logs: origin === null ? null : `${origin}/v1/projects/${reference}/deploys/${row.id}/logs`,
    site:
      row.environment === "production"
        ? siteOf(project)
        : (deployment?.aliases[0] ?? deployment?.url ?? null),
  };
}

/** A domain of its own rather than the one that Cloudflare gave it. */
function siteOf({ domains, subdomain }: ProjectRow): string | null {
  const own = (JSON.parse(domains) as string[]).find((domain) => domain !== subdomain);
  const host = own ?? subdomain;
  return host === "" ? null : `https://${host}`;
}
