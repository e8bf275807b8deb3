import * as z from "zod";

import { configOf } from "../env.ts";
import { VERSION } from "../version.ts";
import type { Api } from "./context.ts";
import { json } from "./responses.ts";
import { createRoute } from "./route.ts";

const health = createRoute({
  method: "get",
  path: "/healthz",
  operationId: "getHealth",
  summary: "Whether this Worker runs, and whether its settings are complete",
  tags: ["Instance"],
  security: [],
  responses: {
    200: json(
      z.object({ status: z.literal("ok"), configured: z.boolean(), version: z.string() }),
      "It runs.",
    ),
  },
});

const version = createRoute({
  method: "get",
  path: "/version",
  operationId: "getVersion",
  summary: "Which version this is",
  tags: ["Instance"],
  security: [],
  responses: { 200: json(z.object({ version: z.string() }), "The version.") },
});

export function healthRoute(api: Api): void {
  api.openapi(version, (c) => c.json({ version: VERSION }, 200));

  api.openapi(health, async (c) => {
    const config = await configOf(c.env);
    return c.json({ status: "ok", configured: config.ok, version: VERSION } as const, 200);
  });
}
