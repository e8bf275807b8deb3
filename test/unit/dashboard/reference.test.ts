import { describe, expect, it } from "vitest";

import {
  codesOf,
  curlOf,
  rowsOf,
  typeOf,
  type Route,
  type Schema,
} from "../../../src/dashboard/model/reference.ts";

const deploy = { $ref: "#/components/schemas/Deploy" };

describe("a schema as the reference shows it", () => {
  it.each<[string, Schema, unknown]>([
    ["a name", deploy, [{ name: "Deploy" }]],
    [
      "a name that may be null",
      { allOf: [deploy, { type: ["object", "null"] }] },
      [{ name: "Deploy" }, " or null"],
    ],
    [
      "a name and more",
      { allOf: [deploy, { type: "object", properties: { secret: {} } }] },
      [{ name: "Deploy" }, " and ", "object"],
    ],
    ["a list", { type: "array", items: deploy }, ["array of ", { name: "Deploy" }]],
    ["several types", { type: ["integer", "null"] }, ["integer", " or ", "null"]],
    ["a map", { type: "object", additionalProperties: { type: "string" } }, ["map of ", "string"]],
    ["a format", { type: "string", format: "date-time" }, ["string (date-time)"]],
    ["anything", {}, ["anything"]],
  ])("is %s", (_, schema, type) => {
    expect(typeOf(schema)).toEqual(type);
  });

  it("has the fields of the objects in it, with what each may be", () => {
    const schema: Schema = {
      type: "object",
      required: ["items"],
      properties: {
        items: {
          type: "array",
          maxItems: 5,
          items: { type: "object", required: ["id"], properties: { id: { type: "string" } } },
        },
        rule: {
          type: "object",
          properties: { mode: { type: "string", enum: ["a", "b"], default: "a" } },
        },
      },
    };
    expect(
      rowsOf(schema).map(({ name, required, values, limits }) => [name, required, values, limits]),
    ).toEqual([
      ["items", true, [], ["at most 5 items"]],
      ["items[].id", true, [], []],
      ["rule", false, [], []],
      ["rule.mode", false, ['"a"', '"b"'], ['default `"a"`']],
    ]);
  });
});

describe("an operation", () => {
  const route: Route = {
    method: "POST",
    path: "/v1/projects/{project}/locks/{id}",
    operationId: "x",
    summary: "X",
    tags: ["X"],
    security: [{ token: ["manage"] }],
    parameters: [
      { name: "project", in: "path", schema: { type: "string", example: "blog" } },
      { name: "id", in: "path", schema: { type: "string" } },
    ],
    requestBody: { content: { "application/json": { example: { reason: "it's off" } } } },
    responses: {},
  };

  it("is a line for a shell, whatever stands in its example", () => {
    expect(curlOf(route)).toBe(
      [
        'curl -X POST "$SIGNALBOX_URL/v1/projects/blog/locks/$ID"',
        '-H "authorization: Bearer $SIGNALBOX_TOKEN"',
        '-H "content-type: application/json"',
        String.raw`-d '{"reason":"it'\''s off"}'`,
      ].join(" \\\n  "),
    );
  });

  it("is refused by the codes that its answer names", () => {
    expect(codesOf({ description: "`a_b`: One\n\n`c`: Two" })).toEqual([
      ["a_b", "One"],
      ["c", "Two"],
    ]);
  });
});
