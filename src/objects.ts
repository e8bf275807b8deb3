import type { Instance } from "./instance/instance.ts";
import type { Project } from "./project/project.ts";

/**
 * The methods of an object as its callers see them. The platform's own type loses tagged unions (`Result`) on the way,
 * since it distributes over their members.
 */
export type Remote<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

/** The one name of a project's object: what Cloudflare returned, never what somebody typed. */
export function projectKey(accountId: string, name: string): string {
  return `${accountId}/${name}`;
}

/** How people name a project: by its name alone in the configured account, as `<account id>:<name>` in another one. */
export function referenceOf(key: string, configured: string): string {
  const name = key.slice(key.indexOf("/") + 1);
  return key === projectKey(configured, name) ? name : key.replace("/", ":");
}

/** Take a new stub for every call: a stub whose object was reset stays broken. */
export function projectOf(env: Env, key: string): Remote<Project> {
  return env.PROJECT.getByName(key) as unknown as Remote<Project>;
}

/** A socket that hears of it when a project has news (`project/listeners.ts`). @throws when it can't be had. */
export async function listenTo(
  env: Env,
  key: string,
  token: string,
  deliveries: boolean,
): Promise<WebSocket> {
  const url = new URL("https://project/listen");
  url.searchParams.set("token", token);
  if (deliveries) {
    url.searchParams.set("deliveries", "");
  }
  const response = await env.PROJECT.getByName(key).fetch(url, {
    headers: { upgrade: "websocket" },
  });
  if (response.webSocket === null) {
    throw new Error(`no socket: ${response.status}`);
  }
  response.webSocket.accept();
  return response.webSocket;
}

export function instanceOf(env: Env): Remote<Instance> {
  return env.INSTANCE.getByName("instance");
}
