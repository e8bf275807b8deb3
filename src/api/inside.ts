import { trust, type Trusted } from "./trusted.ts";

export interface Refused {
  readonly ok: false;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}
/** Refusals are values: what is thrown across a service binding loses all but its message. */
export type Reply<T> = { readonly ok: true; readonly value: T } | Refused;

/** One operation of `/v1`, asked from within this Worker by somebody who has proven themselves already. */
export async function askInside<T>(
  fetch: (request: Request) => Response | Promise<Response>,
  trusted: Trusted,
  asked: {
    readonly method: string;
    readonly url: URL;
    readonly body?: object | undefined;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Reply<T>> {
  const { method, url, body, headers = {} } = asked;
  const request = new Request(url, {
    method,
    headers: {
      ...headers,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const response = await fetch(trust(request, trusted));
  if (response.status === 204) {
    return { ok: true, value: null as T };
  }
  if (response.ok) {
    const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
    return { ok: true, value: isJson ? await response.json() : ((await response.text()) as T) };
  }
  const { code, detail } = await response.json<Pick<Refused, "code" | "detail">>();
  return { ok: false, status: response.status, code, detail };
}
