import * as z from "zod";
import type { Context } from "hono";

import { badgeSvg } from "../notify/badge.ts";
import { existing } from "../problem.ts";
import type { Badge as ProjectBadge } from "../project/badge.ts";
import { randomBytes, toBase64url } from "../security/encoding.ts";
import { checkBadgeSegment, mintBadgeSegment } from "../security/badge-url.ts";
import {
  askProject,
  keyIn,
  nameIn,
  originOf,
  referenceIn,
  type Api,
  type AppEnv,
} from "./context.ts";
import { onProject } from "./guard.ts";
import { ProjectParams } from "./params.ts";
import { jsonOf } from "./json.ts";
import { BODY, json, noContent, openRefusals, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { Branch } from "./schemas.ts";

/** A README is looked at by many; its badge may be so old. */
const MAX_AGE_S = 30;
const tags = ["Badge"];

const Badge = z.object({
  url: z.string().meta({ description: "Whoever has it can see the badge, and nothing else." }),
  markdown: z.string(),
});

const get = createRoute({
  method: "get",
  path: "/v1/projects/{project}/badge",
  operationId: "getBadge",
  summary: "Get the address of the project's badge",
  tags,
  ...onProject("read"),
  request: { params: ProjectParams },
  responses: {
    200: json(Badge, "The badge."),
    ...refusals("project_not_found", "badge_not_found"),
  },
});

const make = createRoute({
  method: "post",
  path: "/v1/projects/{project}/badge",
  operationId: "makeBadge",
  summary: "Give the project a badge, or its badge a new address",
  description: "The address before is good no more.",
  tags,
  ...onProject("manage"),
  request: { params: ProjectParams },
  responses: { 201: json(Badge, "The badge."), ...refusals("project_not_found") },
});

const change = createRoute({
  method: "patch",
  path: "/v1/projects/{project}/badge",
  operationId: "changeBadge",
  summary: "Have the address of the project's badge made with the current key",
  description:
    "`renew_url` answers the address, made anew with the current key; the one before stays good as long as its key is in SIGNALBOX_KEYS.",
  tags,
  ...onProject("manage"),
  request: {
    params: ProjectParams,
    body: jsonOf(z.strictObject({ renew_url: z.literal(true) })),
  },
  responses: {
    200: json(Badge, "The badge."),
    ...refusals("project_not_found", "badge_not_found", ...BODY),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/projects/{project}/badge",
  operationId: "removeBadge",
  summary: "Take the badge away",
  tags,
  ...onProject("manage"),
  request: { params: ProjectParams },
  responses: { 204: noContent, ...refusals("project_not_found") },
});

const show = createRoute({
  method: "get",
  path: "/badges/{project}/{segment}",
  operationId: "showBadge",
  summary: "The badge, as an SVG",
  description:
    "`never`, `running`, `live` or `failed`: of production, or with `branch` of that branch's preview. What was canceled, superseded or skipped changes nothing.",
  tags,
  security: [],
  request: {
    params: ProjectParams.extend({ segment: z.string() }),
    query: z.object({ branch: Branch.optional() }),
  },
  responses: {
    200: {
      description: `The badge; to be kept for ${MAX_AGE_S} s.`,
      content: { "image/svg+xml": { schema: z.string() } },
    },
    ...openRefusals("badge_not_found", "query_invalid"),
  },
});

export function badgeRoutes(api: Api): void {
  api.openapi(get, async (c) => {
    const badge = await askProject(c, (project) => project.badge());
    return c.json(await described(c, badge), 200);
  });

  api.openapi(make, async (c) => {
    const badge = { nonce: toBase64url(randomBytes(9)), key: c.var.config.keyring.current };
    await askProject(c, (project) => project.setBadge(badge));
    return c.json(await described(c, badge), 201);
  });

  api.openapi(change, async (c) => {
    const { current } = c.var.config.keyring;
    const badge = await askProject(c, (project) => project.renewBadge(current));
    return c.json(await described(c, badge), 200);
  });

  api.openapi(remove, async (c) => {
    await askProject(c, (project) => project.setBadge(null));
    return c.body(null, 204);
  });

  api.openapi(show, async (c) => {
    const { branch = null } = c.req.valid("query");
    const segment = c.req.valid("param").segment.replace(/\.svg$/, "");
    const nonce =
      nameIn(c) === null ? null : await checkBadgeSegment(c.var.config.keyring, keyIn(c), segment);
    const state =
      nonce === null ? null : await askProject(c, (project) => project.badgeState(nonce, branch));
    const svg = badgeSvg(existing(state, "badge_not_found", "There is no such badge."));
    return c.body(svg, 200, {
      "content-type": "image/svg+xml",
      "cache-control": `public, max-age=${MAX_AGE_S}`,
    });
  });
}

const NO_BADGE = "This project has no badge. Make one with POST.";

const KEY_GONE =
  "The badge's address was made with a key that is not in SIGNALBOX_KEYS. PATCH with renew_url answers it made with the current one.";

async function described(
  c: Context<AppEnv>,
  badge: ProjectBadge | null,
): Promise<z.infer<typeof Badge>> {
  const { nonce, key } = existing(badge, "badge_not_found", NO_BADGE);
  const minted = await mintBadgeSegment(c.var.config.keyring, keyIn(c), nonce, key ?? undefined);
  const segment = existing(minted, "badge_not_found", KEY_GONE);
  const url = `${originOf(c)}/badges/${referenceIn(c)}/${segment}.svg`;
  return { url, markdown: `![${nameIn(c)}](${url})` };
}
