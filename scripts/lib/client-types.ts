import type { Hono } from "hono";
import openapiTS from "openapi-typescript";
import type { OpenAPI3 } from "openapi-typescript";

interface Document {
  webhooks?: unknown;
  paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
}

/** What openapi-typescript makes of the document, which comes from the routes alone: nothing has to run for it. */
export async function clientTypes(): Promise<string> {
  // By variables: here the compiler has no types of the Workers runtime.
  const routing: string = "../../src/api/route.ts";
  const { Api } = (await import(routing)) as { Api: new () => Hono };
  const file: string = "../../src/api/routes.ts";
  const { routes } = (await import(file)) as { routes: ((api: Hono) => void)[] };
  const api = new Api();
  routes.forEach((register) => register(api));
  const answer = await api.request("/openapi.json");
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
