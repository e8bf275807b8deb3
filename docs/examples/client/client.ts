import createClient from "openapi-fetch";
import type { components, paths } from "./signalbox.d.ts";

export type Signalbox = ReturnType<typeof createClient<paths>>;
export type Deploy = components["schemas"]["Deploy"];
export type Event = components["schemas"]["Event"];
export type Problem = components["schemas"]["Problem"];

export function connect(url: string, token: string): Signalbox {
  return createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${token}` } });
}

/** Of a refusal, with the code to decide by. */
export class Refused extends Error {
  readonly code: string;

  constructor({ code, detail }: Problem) {
    super(`${detail} (${code})`);
    this.code = code;
  }
}
