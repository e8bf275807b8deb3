import openapiTS from "openapi-typescript";
import type { OpenAPI3 } from "openapi-typescript";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "../../src/api/context.ts";
import { routes } from "../../src/api/routes.ts";

/** What openapi-typescript makes of the document, which comes from the routes alone: nothing has to run for it. */
export async function clientTypes(): Promise<string> {
  const app = new OpenAPIHono<AppEnv>();
  routes.forEach((register) => register(app));
  const answer = await app.request("/openapi.json");
  return openapiTS((await answer.json()) as OpenAPI3);
}
