import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

type Json = Record<string, unknown>;
interface Answer {
  readonly description: string;
  readonly content?: Record<string, object>;
}
interface Operation {
  readonly responses: Record<string, Answer>;
}
export interface OpenApi {
  readonly paths: Record<string, Record<string, Operation>>;
}

/** Addresses that no page can have. */
export const API = /^\/(?:v1|hooks|badges)(?:\/|$)/;

/** What the OpenAPI document says that the API answers. Every answer of a test run is held against it. */
export class Contract {
  readonly #routes: readonly { readonly of: RegExp; readonly path: string; methods: Json }[];
  readonly #ajv = new Ajv2020({ strict: false });
  readonly #shapes = new Map<string, ValidateFunction>();

  constructor(document: OpenApi) {
    this.#routes = Object.entries(document.paths).map(([path, methods]) => ({
      of: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
      path,
      methods,
    }));
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(closed(document), "openapi");
  }

  /** Throws when an answer is not as the document says. What is no part of the API is not looked at. */
  async check(method: string, pathname: string, response: Response): Promise<void> {
    const fault = await this.#faultOf(method, pathname, response);
    if (fault !== null) {
      throw new Error(`${method} ${pathname} answered ${response.status}: ${fault}`);
    }
  }

  async #faultOf(asked: string, pathname: string, response: Response): Promise<string | null> {
    const method = asked === "HEAD" ? "GET" : asked;
    const type = response.headers.get("content-type")?.split(";")[0] ?? null;
    // The exact path before one that has a parameter in its place, as the app's router has them, too.
    const [route] = this.#routes
      .filter(({ of }) => of.test(pathname))
      .sort((a, b) => a.path.split("{").length - b.path.split("{").length);
    const operation = route?.methods[method.toLowerCase()] as Operation | undefined;
    if (route === undefined || operation === undefined) {
      // Pages and files, and the gateway, which Cloudflare's own document describes.
      const isOther = type !== "application/json" || pathname.startsWith("/client/v4/");
      const isRefusal = response.status >= 400;
      return isRefusal || (isOther && !API.test(pathname)) ? null : "there is no such operation";
    }
    const answer = operation.responses[response.status];
    if (answer === undefined) {
      return "the status is not described";
    }
    if (answer.content === undefined || type === null) {
      return answer.content === undefined && type === null
        ? null
        : `the type is ${type}, not ${Object.keys(answer.content ?? {}).join(" or ")}`;
    }
    if (answer.content[type] === undefined) {
      return `the type ${type} is not described`;
    }
    if (asked === "HEAD" || !/[/+]json$/.test(type)) {
      return null;
    }
    const body = (await response.clone().json()) as Json;
    if (response.status >= 400 && !answer.description.includes(`\`${String(body["code"])}\``)) {
      return `the code ${String(body["code"])} is not described`;
    }
    const steps = ["paths", route.path, method.toLowerCase(), "responses", response.status];
    const validate = this.#shape([...steps, "content", type, "schema"]);
    return validate(body) ? null : faults(validate.errors ?? []);
  }

  #shape(steps: readonly (string | number)[]): ValidateFunction {
    const pointer = steps.map((step) =>
      encodeURIComponent(String(step).replaceAll("~", "~0").replaceAll("/", "~1")),
    );
    const reference = `openapi#/${pointer.join("/")}`;
    const known = this.#shapes.get(reference) ?? this.#ajv.compile({ $ref: reference });
    this.#shapes.set(reference, known);
    return known;
  }
}

function faults(errors: readonly ErrorObject[]): string {
  const said = errors.map(({ instancePath, message, params }) =>
    ["body" + instancePath, message, JSON.stringify(params)].join(" "),
  );
  return said.join("; ").slice(0, 2_000);
}

/**
 * The same, but that a field which is not described is a fault, unless a schema welcomes it. A named schema, or a part of a
 * whole, stays open itself: what refers to it, or holds it, is closed.
 */
function closed<T>(node: T, part = false): T {
  if (Array.isArray(node)) {
    return node.map((each: unknown) => closed(each, part)) as T;
  }
  if (typeof node !== "object" || node === null) {
    return node;
  }
  const inner = Object.entries(node).map(([key, value]: [string, unknown]) => [
    key,
    key === "schemas" ? named(value as object) : closed(value, key === "allOf"),
  ]);
  const closes = !part && ["$ref", "allOf", "properties"].some((key) => Object.hasOwn(node, key));
  return Object.fromEntries([...inner, ...(closes ? [["unevaluatedProperties", false]] : [])]) as T;
}

function named(schemas: object): object {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, closed(schema as object, true)]),
  );
}
