import * as z from "zod";

import { hookCache } from "../hooks/cache.ts";
import { explain } from "../hooks/explain.ts";
import { provenBy } from "../hooks/sources/index.ts";
import { utf8 } from "../security/encoding.ts";
import { mintHookSegment } from "../security/hook-url.ts";
import { keyIn, referenceIn, type Api } from "./context.ts";
import { onProject } from "./guard.ts";
import { found } from "./hooks.ts";
import { jsonOf } from "./json.ts";
import { HookParams } from "./params.ts";
import { BODY, json, refusals } from "./responses.ts";
import { createRoute } from "./route.ts";

const Step = z
  .object({ step: z.string(), ok: z.boolean().nullable(), detail: z.string() })
  .meta({ id: "ExplainStep" });

const HeaderValue = z
  .string()
  .max(4_096)
  // oxlint-disable-next-line no-control-regex -- what a header's value can't have
  .regex(/^[^\u0000-\u0008\u000a-\u001f\u007f\u0100-\uffff]*$/, "must be what a header can hold");

const route = createRoute({
  method: "post",
  path: "/v1/projects/{project}/hooks/{id}/explain",
  operationId: "explainHook",
  summary: "Explain what a delivery to a hook would lead to",
  description:
    "Takes a sample of headers and body and says step by step what would happen: how the signature is checked, where the branch is read, which rule is against it. Nothing is deployed, and nothing recorded. It goes on after a wrong signature, so a sample need not be signed.",
  tags: ["Hooks"],
  ...onProject("manage"),
  request: {
    params: HookParams,
    body: jsonOf(
      z.strictObject({
        headers: z
          .record(
            z.string().regex(/^[A-Za-z0-9-]{1,128}$/, "must be the name of a header"),
            HeaderValue,
          )
          .default({}),
        body: z
          .union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())])
          .default("")
          .meta({
            description: "As it was sent, as text; or JSON, when it need not be signed.",
          }),
        query: z
          .string()
          .max(2_048)
          .regex(/^[!-~]*$/, "must be written as in a URL")
          .default("")
          .meta({ description: "What follows the `?`." }),
      }),
    ),
  },
  responses: {
    200: json(
      z
        .object({
          verified: z.boolean(),
          steps: z.array(Step),
          results: z.array(
            z.object({
              branch: z.string().nullable(),
              outcome: z.enum(["deploy", "filtered", "ignored"]),
              reason: z.string().nullable(),
              reason_code: z.string().nullable(),
            }),
          ),
        })
        .meta({ id: "Explanation" }),
      "What would happen.",
    ),
    ...refusals("project_not_found", "hook_not_found", ...BODY),
  },
});

export function explainRoute(api: Api): void {
  api.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const sample = c.req.valid("json");
    const address = { project: keyIn(c), id };
    const hook = found(await hookCache.find(c.env, c.var.config, address, true));
    const { source, scheme } = provenBy(hook);
    const { body } = sample;
    const delivery = {
      method: "POST",
      path: `/hooks/${referenceIn(c)}/${await mintHookSegment(c.var.config.keyring, keyIn(c), id)}`,
      search: sample.query === "" ? "" : `?${sample.query}`,
      headers: new Headers(sample.headers),
      body: utf8(typeof body === "string" ? body : JSON.stringify(body)),
    };
    return c.json(await explain(hook, source, scheme, delivery, Date.now()), 200);
  });
}
