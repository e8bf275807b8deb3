import { setTimeout as delay } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import type { Fault } from "../../sandbox/types.ts";
import { deliver, pushOf } from "../demo/github.ts";
import { send } from "../demo/http.ts";
import type { Reply } from "../demo/http.ts";
import type { HookAnswer } from "../demo/push.ts";
import type { Accepted } from "../../src/project/shapes.ts";
import { pick } from "./plan.ts";
import type { Action, Door } from "./plan.ts";
import type { Stage } from "./stage.ts";

/** A trigger that was answered with 2xx: from then on it is Signalbox's to see to. */
export interface Answered {
  readonly door: Door;
  readonly project: string;
  readonly key: string;
  /** null where the answer was cut off after its status. */
  readonly deployId: string | null;
}

/** What makes a request again is known by, to the door it comes to. */
type Ask = (again: boolean) => Promise<Answered | null>;

/** None of these ends a deploy otherwise than it would have ended. */
const FAULTS: readonly Fault[] = [
  { call: "get", kind: "html" },
  { call: "list", kind: "html" },
  { call: "create", kind: "lost" },
  { call: "rollback", kind: "lost" },
];
/** Refusals of what can't be done just now. */
const EXPECTED = [404, 409, 423, 429];
const PATIENCE_MS = 120_000;

/** Plays the actions of a plan at their times, each with the patience of a sender that repeats what got no answer. */
export class Load {
  readonly answered: Answered[] = [];
  readonly canceled = new Set<string>();
  readonly schedules: { id: string; project: string }[] = [];
  /** Requests that a kill cut off, or that found nobody. */
  cut = 0;
  /** Requests that were sent again, cut off or not. */
  repeated = 0;
  readonly refused = new Map<number, number>();
  /** What must not be: answers to repeats that differ, and statuses that nothing explains. */
  readonly wrong: string[] = [];
  readonly #stage: Stage;
  readonly #open = new Set<Promise<void>>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async play(actions: readonly Action[], stopped: () => boolean): Promise<void> {
    const began = performance.now();
    for (const action of actions) {
      await delay(Math.max(0, action.at - (performance.now() - began)));
      if (stopped()) {
        break;
      }
      const done = this.#perform(action).catch((error: unknown) => {
        this.wrong.push(`${action.door} ${action.key.slice(0, 7)}: ${String(error)}`);
      });
      this.#open.add(done);
      void done.finally(() => this.#open.delete(done));
    }
  }

  /** Until each request has its answer, or its sender has given up. */
  async over(): Promise<void> {
    await Promise.all(this.#open);
  }

  async #perform(action: Action): Promise<void> {
    const ask = this.#trigger(action);
    if (ask === null) {
      await this.#once(() => this.#act(action));
      return;
    }
    const first = await this.#patiently(ask, action);
    if (first === null) {
      return;
    }
    this.answered.push(first);
    if (action.twice && action.door !== "gateway") {
      this.repeated += 1;
      const second = await this.#patiently(ask, action, true);
      if (second !== null && second.deployId !== first.deployId) {
        this.wrong.push(
          `${action.door} ${action.key.slice(0, 7)}: repeated, ${second.deployId} instead of ${first.deployId}`,
        );
      }
    }
  }

  /** The same request until it is answered. */
  async #patiently(ask: Ask, action: Action, again = false): Promise<Answered | null> {
    const until = performance.now() + PATIENCE_MS;
    for (let n = 0; performance.now() < until; n++) {
      try {
        return await ask(again || n > 0);
      } catch (error) {
        if (!isCut(error)) {
          throw error;
        }
        this.cut += 1;
        this.repeated += 1;
        await delay(300 + action.chance * 700);
      }
    }
    throw new Error(`not answered within ${PATIENCE_MS / 1000} s`);
  }

  /** What can't be repeated without harm is not: if it was cut off, it has happened or it has not. */
  async #once(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!isCut(error)) {
        throw error;
      }
      this.cut += 1;
    }
  }

  #trigger(action: Action): Ask | null {
    const { door, project, branch, key } = action;
    const { signalbox, stack } = this.#stage;
    const commit = { branch, commit_hash: key, commit_message: `Change ${key.slice(0, 7)}` };
    const path = `/v1/projects/${project}/deploys`;
    const keyed = { "idempotency-key": key };
    const known = (deployId: string | null | undefined): Answered => {
      if (typeof deployId !== "string") {
        throw new Error("answered without a deploy");
      }
      return { door, project, key, deployId };
    };
    switch (door) {
      case "hook":
        return async () => {
          const body = pushOf(branch, key, commit.commit_message);
          const reply = await deliver(this.#stage.hooksOf(project).github, body, { id: key });
          return this.#read(reply, () => known((reply.json as HookAnswer).results[0]?.deploy_id));
        };
      case "signed":
        return async () => {
          const { url, secret } = this.#stage.hooksOf(project).signed;
          const body = JSON.stringify({ branch, commit: key });
          const at = new Date();
          const reply = await send(url, {
            method: "POST",
            body,
            headers: {
              "content-type": "application/json",
              "webhook-id": key,
              "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
              "webhook-signature": new Webhook(secret).sign(key, at, body),
            },
          });
          return this.#read(reply, () => known((reply.json as HookAnswer).results[0]?.deploy_id));
        };
      case "api":
        return async () => {
          const reply = await signalbox.send("POST", path, commit, keyed);
          return this.#read(reply, () => known((reply.json as Accepted).deploy?.id));
        };
      case "upload":
        return async () => {
          const reply = await signalbox.send("POST", path, this.#form(commit, 20_000), keyed);
          return this.#read(reply, () => known((reply.json as Accepted).deploy?.id));
        };
      case "gateway":
        return async (again) => {
          const { url, token, account_id: account } = stack.info;
          const form = new FormData();
          Object.entries(commit).forEach(([name, value]) => form.set(name, value));
          const response = await fetch(
            `${url}/client/v4/accounts/${account}/pages/projects/${project}/deployments`,
            {
              method: "POST",
              body: form,
              headers: {
                authorization: `Bearer ${token}`,
                "user-agent": "wrangler/4.0.0",
                ...(again && { "x-stainless-retry-count": "1" }),
              },
              signal: AbortSignal.timeout(PATIENCE_MS),
            },
          );
          if (!response.ok) {
            this.#refuse(response.status, await response.text());
            return null;
          }
          // From its status on it is accepted; how it ends, whoever waits may miss.
          await response.text().catch(() => {
            this.cut += 1;
          });
          return { door, project, key, deployId: null };
        };
      default:
        return null;
    }
  }

  async #act({ door, project, branch, key, chance }: Action): Promise<void> {
    const { signalbox, pages } = this.#stage;
    const base = `/v1/projects/${project}`;
    const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
    let reply: Reply;
    switch (door) {
      case "cut-upload": {
        const form = this.#form({ branch, commit_hash: key }, 6_000_000);
        const { url, token } = this.#stage.stack.info;
        const headers = { authorization: `Bearer ${token}` };
        const signal = AbortSignal.timeout(Math.round(10 + chance * 100));
        await fetch(`${url}${base}/deploys`, { method: "POST", body: form, headers, signal });
        return;
      }
      case "schedule": {
        const at = soon(5_000 + chance * 5_000);
        reply = await signalbox.send("POST", `${base}/schedules`, { at, branch });
        if (reply.status === 201) {
          this.schedules.push({ id: (reply.json as { id: string }).id, project });
        }
        break;
      }
      case "cancel": {
        const own = this.answered.filter((known) => known.project === project);
        const id = own.at(-1 - Math.floor(chance * 3))?.deployId;
        if (id == null) {
          return;
        }
        this.canceled.add(id);
        reply = await signalbox.send("POST", `${base}/deploys/${id}/cancel`);
        break;
      }
      case "lock": {
        const body = {
          reason: `until later ${key.slice(0, 7)}`,
          until: soon(5_000 + chance * 5_000),
        };
        reply = await signalbox.send("POST", `${base}/locks`, body);
        break;
      }
      case "rollback": {
        reply = await signalbox.send("POST", `${base}/rollback`);
        const id = (reply.json as Partial<Accepted> | null)?.deploy?.id;
        if (reply.status === 202 && id !== undefined) {
          this.answered.push({ door, project, key, deployId: id });
        }
        break;
      }
      default:
        await pages.fault({ ...pick(FAULTS, chance), project });
        return;
    }
    if (reply.status > 299) {
      this.#refuse(reply.status, reply.text);
    }
  }

  #form(fields: Readonly<Record<string, string>>, bytes: number): FormData {
    const form = new FormData();
    form.set("manifest", JSON.stringify(this.#stage.manifest));
    Object.entries(fields).forEach(([name, value]) => form.set(name, value));
    form.set("_worker.bundle", new Blob(["x".repeat(bytes)]), "_worker.bundle");
    return form;
  }

  #read(reply: Reply, read: () => Answered): Answered | null {
    if (reply.status <= 299) {
      return read();
    }
    this.#refuse(reply.status, reply.text);
    return null;
  }

  #refuse(status: number, text: string): void {
    this.refused.set(status, (this.refused.get(status) ?? 0) + 1);
    if (!EXPECTED.includes(status)) {
      this.wrong.push(`answered ${status}: ${text.slice(0, 200)}`);
    }
  }
}

/** What fetch throws when nobody listens, when the connection breaks, or when the sender itself gives up. */
function isCut(error: unknown): boolean {
  const { name, message } = error as Error;
  return (
    name === "TimeoutError" || (name === "TypeError" && /^(fetch failed|terminated)$/.test(message))
  );
}
