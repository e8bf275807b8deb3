import { env } from "cloudflare:workers";

import { SCOPES, type Scope } from "../../../src/security/tokens.ts";

/**
 * For whom the edge asks an object: whoever has this scope, at least; `door`: to find out who asks, or what an address is
 * worth; `hook`: who has a hook's address, since what its sender signed is verified after that, and who manages; `inside`:
 * for no request.
 */
export type Allowed = Scope | "door" | "hook" | "inside";

/** Every method of a project's object. One that is missing here fails. */
export const PROJECT_CALLS: Readonly<Record<string, Allowed>> = {
  register: "manage",
  view: "read",
  authorize: "door",
  accept: "deploy",
  acceptDelivery: "hook",
  look: "hook",
  receive: "deploy",
  discard: "deploy",
  deploys: "read",
  deploy: "read",
  deployOf: "read",
  overview: "read",
  history: "read",
  story: "read",
  cancel: "deploy",
  retry: "deploy",
  promote: "deploy",
  rollBack: "deploy",
  isBuilding: "inside",
  release: "manage",
  approve: "manage",
  reject: "manage",
  policy: "read",
  changePolicy: "manage",
  explainPolicy: "read",
  addLock: "manage",
  locks: "read",
  lock: "read",
  removeLock: "manage",
  events: "read",
  sequence: "read",
  newestEvents: "read",
  addHook: "manage",
  hooks: "read",
  hook: "read",
  hookSecrets: "hook",
  changeHook: "manage",
  takeSecret: "hook",
  showSecret: "manage",
  hookDeliveries: "read",
  removeHook: "manage",
  noteRefusal: "hook",
  addSubscriber: "manage",
  subscribers: "read",
  subscriber: "read",
  changeSubscriber: "manage",
  removeSubscriber: "manage",
  rotateSubscriber: "manage",
  testSubscriber: "manage",
  deliveries: "read",
  delivery: "read",
  redeliver: "manage",
  recoverSubscriber: "manage",
  addSchedule: "manage",
  schedules: "read",
  schedule: "read",
  changeSchedule: "manage",
  removeSchedule: "manage",
  fetch: "read",
  webSocketClose: "inside",
  setBadge: "manage",
  renewBadge: "manage",
  badge: "read",
  badgeState: "door",
  numbers: "read",
  gauges: "read",
  beginExport: "manage",
  exportPage: "manage",
  importInto: "manage",
  addToken: "manage",
  tokens: "manage",
  revokeToken: "manage",
  addTrust: "manage",
  trust: "door",
  removeTrust: "manage",
  mayRead: "door",
  keys: "manage",
  remove: "manage",
  wake: "inside",
  alarm: "inside",
};

/** Likewise of the instance's. */
export const INSTANCE_CALLS: Readonly<Record<string, Allowed>> = {
  register: "manage",
  unregister: "manage",
  projects: "read",
  nextOfRound: "inside",
  isRegistered: "door",
  accounts: "read",
  putAccount: "manage",
  removeAccount: "manage",
  authorize: "door",
  admit: "door",
  addAccessRule: "manage",
  accessRules: "manage",
  removeAccessRule: "manage",
  addToken: "manage",
  listTokens: "manage",
  revokeToken: "manage",
  keys: "manage",
  noteSession: "door",
  sweep: "inside",
  reseal: "inside",
  permit: "read",
  builds: "read",
  limitBuilds: "manage",
  blocked: "read",
  announced: "read",
  budgets: "read",
};

export interface Call {
  readonly object: "project" | "instance";
  readonly method: string;
}

/** The bindings, and what is asked of the objects behind them. */
export function watched(): { env: Env; calls: Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    env: {
      ...env,
      PROJECT: watching(env.PROJECT, "project", calls),
      INSTANCE: watching(env.INSTANCE, "instance", calls),
    },
  };
}

function watching<T extends object>(namespace: T, object: Call["object"], calls: Call[]): T {
  const getByName = (name: string): object => {
    const stub = (namespace as { getByName(name: string): Record<string, unknown> }).getByName(
      name,
    );
    return new Proxy(stub, {
      get:
        (_, method: string) =>
        (...args: unknown[]): unknown => {
          calls.push({ object, method });
          return (stub[method] as (...args: unknown[]) => unknown)(...args);
        },
    });
  };
  return { getByName } as unknown as T;
}

/** Whether somebody with this scope, or nobody (null), may have had an object asked that. */
export function mayHaveAsked(
  { object, method }: Call,
  scope: Scope | null,
  isHook: boolean,
): boolean {
  const allowed = (object === "project" ? PROJECT_CALLS : INSTANCE_CALLS)[method] ?? "inside";
  if (allowed === "inside" || allowed === "door") {
    return allowed === "door";
  }
  return allowed === "hook"
    ? isHook || scope === "manage"
    : scope !== null && SCOPES.indexOf(scope) >= SCOPES.indexOf(allowed);
}
