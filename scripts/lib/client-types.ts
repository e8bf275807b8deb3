import { OpenAPIHono } from "@hono/zod-openapi";
import openapiTS from "openapi-typescript";
import type { OpenAPI3 } from "openapi-typescript";

interface Document {
  webhooks?: unknown;
  paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
}

/** What openapi-typescript makes of the document, which comes from the routes alone: nothing has to run for it. */
export async function clientTypes(): Promise<string> {
  // By a variable: here the compiler has no types of the Workers runtime.
  const file: string = "../../src/api/routes.ts";
  const { routes } = (await import(file)) as { routes: ((api: OpenAPIHono) => void)[] };
  const app = new OpenAPIHono();
  routes.forEach((register) => register(app));
  const answer = await app.request("/openapi.json");
  const document = (await answer.json()) as Document;
  // Types of events are among the schemas, and what each refusal's codes mean would be said hundreds of times.
  delete document.webhooks;
  for (const { responses } of Object.values(document.paths).flatMap((path) =>
    Object.values(path),
  )) {
    for (const [status, response] of Object.entries(responses)) {
      response.description = status < "400" ? response.description : "";
    }
  }
  return openapiTS(document as unknown as OpenAPI3);
}
