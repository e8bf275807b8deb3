import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";

import { Api } from "../../../src/api/route.ts";
import { routes } from "../../../src/api/routes.ts";
import { EXAMPLES } from "../../../src/api/examples.ts";

interface Operation {
  operationId: string;
  requestBody?: { content: Record<string, { schema: object; example?: object }> };
}

it("every JSON body has an example in the document, which is as its schema says", async () => {
  const app = new Api();
  routes.forEach((register) => register(app));
  const answer = await app.request("/openapi.json");
  const { paths, components } = (await answer.json()) as {
    paths: Record<string, Record<string, Operation>>;
    components: object;
  };
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const bodies = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .flatMap(({ operationId, requestBody }) => {
      const body = requestBody?.content["application/json"];
      return body === undefined ? [] : [{ operationId, ...body }];
    });
  const poor = bodies.filter(
    ({ schema, example }) =>
      example === undefined || !ajv.validate({ ...schema, components }, example),
  );
  expect(poor.map(({ operationId }) => operationId)).toEqual([]);
  expect(bodies.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(EXAMPLES).sort());
});
