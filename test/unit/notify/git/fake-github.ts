import { Ajv, type ValidateFunction } from "ajv";

import description from "../../../fixtures/github-api/openapi.json" with { type: "json" };
import type { Request } from "../../../../src/notify/git/status.ts";
import { SHA, type Reply } from "./support.ts";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: object;
}

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { content: { "application/json": { schema: Record<string, unknown> } } };
  readonly responses: Record<string, { content: { "application/json": { example: unknown } } }>;
}

/** A query has only strings. */
const query = new Ajv({ strict: false, coerceTypes: true });
const bodies = new Ajv({ strict: false });
const API = "https://api.github.com";
const PATHS = description.paths as unknown as Record<string, Record<string, Operation>>;

interface Found {
  readonly operation: Operation;
  readonly status: number;
  readonly example: unknown;
}

/** The published operation of a request. Throws on what the description does not have, in path, query or body. */
export function operationOf({ body, method, url }: Request): Found {
  const { href, pathname, searchParams } = new URL(url);
  const path = Object.keys(PATHS).find((template) =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(pathname),
  );
  const operation = PATHS[path ?? ""]?.[method.toLowerCase()];
  if (operation === undefined || !href.startsWith(`${API}/`)) {
    throw new Error(`GitHub has no ${method} ${pathname}.`);
  }
  for (const [name, value] of searchParams) {
    const parameter = operation.parameters.find((one) => one.in === "query" && one.name === name);
    if (parameter === undefined || !takes(parameter, { value })) {
      throw new Error(`${operation.operationId} takes no ${name}=${value}.`);
    }
  }
  if ((operation.requestBody === undefined) !== (body === null)) {
    throw new Error(`${operation.operationId}: a body too many, or none.`);
  }
  if (!takes(operation, structuredClone(body ?? {}))) {
    throw new Error(`${operation.operationId} does not take ${JSON.stringify(body)}.`);
  }
  const [[status, answer] = ["0", null]] = Object.entries(operation.responses);
  return {
    operation,
    status: Number(status),
    example: answer?.content["application/json"].example,
  };
}

const compiled = new Map<Parameter | Operation, ValidateFunction>();

function takes(of: Parameter | Operation, value: unknown): boolean {
  const validate = compiled.get(of) ?? ("schema" in of ? query : bodies).compile(schemaOf(of));
  compiled.set(of, validate);
  return validate(value);
}

/** Of a parameter's value, or of a body. GitHub would pass over a misspelt field in silence. */
function schemaOf(of: Parameter | Operation): object {
  return "schema" in of
    ? { type: "object", properties: { value: of.schema } }
    : { ...of.requestBody?.content["application/json"].schema, additionalProperties: false };
}

interface Made {
  readonly id: number;
  readonly body: Record<string, unknown>;
}

/** As much of GitHub as can tell whether something is made twice. Answers are the published examples, with its ids. */
export class FakeGitHub {
  readonly calls: string[] = [];
  readonly requests: Request[] = [];
  readonly statuses: Made[] = [];
  deployments: Made[] = [];
  readonly deploymentStatuses: Made[] = [];
  comments: Made[] = [];
  pulls: { number: number; state: string; head: { sha: string } }[] = [];
  /** Operations of which the next answer is lost. */
  readonly losing = new Set<string>();
  #ids = 100;

  readonly ask = (request: Request): Reply => {
    const { operation, status, example } = operationOf(request);
    const { operationId } = operation;
    this.calls.push(operationId.replace(/^\w+\//, ""));
    this.requests.push(request);
    const body = this.#answer(operationId, request, example);
    if (this.losing.delete(operationId)) {
      return null;
    }
    return body === null ? { status: 404, body: { message: "Not Found" } } : { status, body };
  };

  /** The states of the deployment, oldest first. */
  states(id: number): unknown[] {
    return this.deploymentStatuses.filter((one) => one.id === id).map(({ body }) => body["state"]);
  }

  #answer(operation: string, { body, url }: Request, example: unknown): unknown {
    const { pathname, searchParams } = new URL(url);
    const id = Number(/\/(\d+)(\/statuses|\/comments)?$/.exec(pathname)?.[1] ?? (this.#ids += 1));
    const made = { id, body: body ?? {} };
    const answer = { ...(example as object), id };
    switch (operation) {
      case "repos/create-commit-status":
        this.statuses.push(made);
        return answer;
      case "repos/list-deployments":
        return this.deployments
          .filter((one) => one.body["ref"] === searchParams.get("sha"))
          .filter((one) => one.body["environment"] === searchParams.get("environment"))
          .map((one) => ({ ...(example as object[])[0], ...one.body, id: one.id }));
      case "repos/create-deployment":
        this.deployments.push(made);
        return { ...answer, ...body };
      case "repos/create-deployment-status":
        this.deploymentStatuses.push(made);
        return this.deployments.some((one) => one.id === id) ? { ...answer, id: 1 } : null;
      case "repos/list-pull-requests-associated-with-commit":
        return this.pulls.map((pull) => ({ ...(example as object[])[0], ...pull }));
      case "issues/list-comments": {
        const from = (Number(searchParams.get("page")) - 1) * 100;
        return this.comments.slice(from, from + 100).map((one) => ({ id: one.id, ...one.body }));
      }
      case "issues/create-comment":
        this.comments.push({ ...made, id: (this.#ids += 1) });
        return { ...answer, id: this.#ids };
      case "issues/update-comment":
        this.comments = this.comments.map((one) => (one.id === id ? made : one));
        return this.comments.includes(made) ? answer : null;
      default:
        throw new Error(`Nobody wrote ${operation} of ${SHA}.`);
    }
  }
}
