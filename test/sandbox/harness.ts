/** A sandbox in this process, on a clock that only moves when told, and a way to call it. */
import { createSandbox } from "../../sandbox/app.ts";
import type { Deployment, Sandbox, SandboxOptions } from "../../sandbox/types.ts";

export interface Answer<Result> {
  status: number;
  headers: Headers;
  text: string;
  result: Result;
  code: number | undefined;
  message: string | undefined;
  info: Record<string, number> | undefined;
}

export interface Harness {
  sandbox: Sandbox;
  /** Lets time pass, in milliseconds. */
  pass: (ms: number) => void;
  now: () => number;
  /** Calls a path below `/pages/projects`. */
  call: <Result = Deployment>(
    method: string,
    path: string,
    init?: { body?: BodyInit; headers?: Record<string, string>; signal?: AbortSignal },
  ) => Promise<Answer<Result>>;
  /** Calls any path below `/client/v4`. */
  api: <Result>(method: string, path: string, init?: RequestInit) => Promise<Answer<Result>>;
  build: (fields?: Record<string, string>, project?: string) => Promise<Deployment>;
  get: (id: string, project?: string) => Promise<Deployment>;
  site: (url: string) => Promise<Response>;
}

export function harness(options: SandboxOptions = {}): Harness {
  let now = Date.UTC(2026, 10, 24, 9);
  const sandbox = createSandbox({ now: () => now, ...options });
  const api: Harness["api"] = async (method, path, init = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization") && !headers.has("x-auth-key")) {
      headers.set("authorization", `Bearer ${sandbox.token}`);
    }
    const url = `https://api.cloudflare.com/client/v4${path}`;
    const response = await sandbox.fetch(new Request(url, { ...init, method, headers }));
    const text = await response.text();
    const json = text.startsWith("{") ? JSON.parse(text) : {};
    return {
      status: response.status,
      headers: response.headers,
      text,
      result: json.result,
      code: json.errors?.[0]?.code,
      message: json.errors?.[0]?.message,
      info: json.result_info,
    };
  };
  const call: Harness["call"] = (method, path, init = {}) =>
    api(method, `/accounts/${sandbox.accountId}/pages/projects${path}`, init);
  return {
    sandbox,
    pass: (ms) => {
      now += ms;
    },
    now: () => now,
    api,
    call,
    build: async (fields = {}, project = "blog") =>
      (await call("POST", `/${project}/deployments`, { body: formOf(fields) })).result,
    get: async (id, project = "blog") =>
      (await call("GET", `/${project}/deployments/${id}`)).result,
    site: (url) => sandbox.fetch(new Request(url)),
  };
}

export function formOf(fields: Record<string, string | File>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.set(name, value);
  }
  return form;
}
