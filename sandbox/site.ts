/** Serves what was deployed, on the host names Cloudflare would. */
import { assetBytes } from "./assets.ts";
import { advance } from "./advance.ts";
import { manifestOf } from "./create.ts";
import { succeeded } from "./deployments.ts";
import { storedPart } from "./form.ts";
import { headersFor, redirectFor } from "./rules.ts";
import type { DeploymentRow, World } from "./world.ts";

/** Answers a request for a deployed site's own host name, with or without `.localhost`; null for any other host. */
export function serveHost(world: World, request: Request): Response | null {
  const url = new URL(request.url);
  const hostname = url.hostname.replace(/\.localhost$/, "");
  const known = world.projects
    .list()
    .some(
      ({ subdomain, domains }) =>
        hostname === subdomain || hostname.endsWith(`.${subdomain}`) || domains.includes(hostname),
    );
  return known ? serve(world, hostname, url.pathname, "") : null;
}

/** Answers with a file of the deployment that is live at the host; redirects stay below `base`. */
export function serve(world: World, hostname: string, path: string, base: string): Response {
  advance(world);
  const row = deploymentAt(world, hostname);
  if (!row) {
    return new Response("Nothing is here yet: no deployment is live on this host name.\n", {
      status: 404,
      headers: { "content-type": "text/plain;charset=UTF-8" },
    });
  }
  const response = row.kind === "upload" ? serveUpload(world, row, path, base) : generatedPage(row);
  response.headers.set("x-sandbox-deployment", row.id);
  response.headers.set("cache-control", "no-store");
  return response;
}

function deploymentAt(world: World, hostname: string): DeploymentRow | undefined {
  for (const project of world.projects.list()) {
    if (hostname === project.subdomain || project.domains.includes(hostname)) {
      return world.deployments.get(project.canonical ?? "");
    }
    if (hostname.endsWith(`.${project.subdomain}`)) {
      const label = hostname.slice(0, -project.subdomain.length - 1);
      const branch = world.branches
        .list(`${project.name}/`)
        .find(({ alias, live }) => alias === label && live !== null);
      const id =
        branch?.live ??
        world.order.list(`${project.name}/`).find((row) => row.id.startsWith(`${label}-`))?.id;
      const row = world.deployments.get(id ?? "");
      return row && succeeded(row) ? row : undefined;
    }
  }
  return undefined;
}

function serveUpload(world: World, row: DeploymentRow, path: string, base: string): Response {
  const text = (name: string): string => {
    const bytes = row.form === null ? undefined : storedPart(world.store, row.form, name);
    return bytes ? new TextDecoder().decode(bytes) : "";
  };
  const redirect = redirectFor(text("_redirects"), path);
  if (redirect && redirect.status !== 200) {
    const location = redirect.to.startsWith("/") ? base + redirect.to : redirect.to;
    return new Response(null, { status: redirect.status, headers: { location } });
  }
  const manifest = manifestOf(world, row.form);
  const wanted = redirect?.to ?? path;
  const found = find(manifest, wanted);
  const asset = found && world.assets.get(found.hash);
  const bytes = found && assetBytes(world, found.hash);
  if (!found || !bytes) {
    return new Response("Not found.\n", { status: 404 });
  }
  const response = new Response(bytes, {
    status: found.status,
    headers: { "content-type": contentType(asset?.content_type ?? "application/octet-stream") },
  });
  for (const [name, value] of headersFor(text("_headers"), path)) {
    if (value === null) {
      response.headers.delete(name);
    } else {
      response.headers.append(name, value);
    }
  }
  return response;
}

/** As Pages looks for a file: itself, `.html`, a folder's index, then the 404 page, or the root for single-page apps. */
function find(
  manifest: Record<string, string>,
  path: string,
): { hash: string; status: number } | undefined {
  const decoded = decodePath(path);
  const candidates = decoded.endsWith("/")
    ? [`${decoded}index.html`]
    : [decoded, `${decoded}.html`, `${decoded}/index.html`];
  const hit = candidates.map((candidate) => manifest[candidate]).find((hash) => hash !== undefined);
  if (hit !== undefined) {
    return { hash: hit, status: 200 };
  }
  const missing = manifest["/404.html"];
  if (missing !== undefined) {
    return { hash: missing, status: 404 };
  }
  const root = manifest["/index.html"];
  return root === undefined ? undefined : { hash: root, status: 200 };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

const contentType = (type: string): string =>
  type.startsWith("text/") && !type.includes("charset") ? `${type}; charset=utf-8` : type;

/** What a git build stands for: a page that says which commit it shows. */
function generatedPage(row: DeploymentRow): Response {
  const facts = [
    ["Project", row.project],
    ["Branch", row.branch],
    ["Commit", row.commit_hash],
    ["Message", row.commit_message],
    ["Deployment", row.id],
  ];
  const lines = facts
    .map(([name = "", value = ""]) => `<dt>${name}</dt><dd>${escape(value)}</dd>`)
    .join("\n");
  return new Response(
    `<!doctype html>\n<meta charset="utf-8">\n<title>${escape(row.project)}</title>\n<h1>Built from ${escape(row.branch)}</h1>\n<dl>\n${lines}\n</dl>\n`,
    { headers: { "content-type": "text/html; charset=utf-8" } },
  );
}

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
