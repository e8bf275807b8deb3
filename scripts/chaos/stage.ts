import { Pages } from "../demo/pages.ts";
import type { Manifest } from "../demo/pages.ts";
import { Receiver } from "../demo/receiver.ts";
import type { ReceiverAnswer } from "../demo/receiver.ts";
import { Signalbox } from "../demo/signalbox.ts";
import type { Stack } from "../lib/stack.ts";
import { GIT_PROJECTS, UPLOAD_PROJECT } from "./plan.ts";

/** Everything around Signalbox: projects with hooks at the sandbox, and those who are told. */

export interface Hook {
  readonly url: string;
  readonly secret: string;
}

export interface Subscriber {
  readonly id: string;
  readonly project: string;
  readonly receiver: Receiver;
  /** The last event from before it was there. */
  readonly after: number;
}

export class Stage {
  readonly stack: Stack;
  readonly signalbox: Signalbox;
  readonly pages: Pages;
  readonly subscribers: Subscriber[] = [];
  readonly #hooks = new Map<string, { github: Hook; signed: Hook }>();
  #manifest: Manifest = {};

  constructor(stack: Stack) {
    this.stack = stack;
    this.signalbox = new Signalbox(stack.info.url, stack.info.token);
    this.pages = new Pages(stack.info);
  }

  get projects(): readonly string[] {
    return [...GIT_PROJECTS, UPLOAD_PROJECT];
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  async setUp(): Promise<void> {
    await this.pages.speed({ factor: 0.1 });
    for (const [n, name] of GIT_PROJECTS.entries()) {
      await this.pages.addProject({ name, source: `acme/${name}`, production_branch: "main" });
      const policy = { rollback: { lock: false }, lane: n === 0 ? "project" : "target" };
      const base = `/v1/projects/${name}`;
      await this.signalbox.ask("PUT", base, { native_builds: "off", policy });
      const hook = async (body: object): Promise<Hook> =>
        this.signalbox.ask("POST", `${base}/hooks`, body);
      const fields = { branch: "/branch", commit_hash: "/commit" };
      this.#hooks.set(name, {
        github: await hook({ source: "github" }),
        signed: await hook({ source: "standard-webhooks", fields }),
      });
    }
    const files = { "/index.html": "<h1>Chaos</h1>" };
    this.#manifest = (await this.pages.putAssets(UPLOAD_PROJECT, files)).manifest;
    for (const project of this.projects) {
      await this.#subscribe(project, () => ({ status: 204 }));
      await this.#subscribe(project, ({ attempt, event }) => ({
        // Never twice in a row, so that it does not count as down.
        status: attempt === 1 && event.sequence % 4 === 0 ? 500 : 204,
      }));
    }
  }

  hooksOf(project: string): { github: Hook; signed: Hook } {
    const hooks = this.#hooks.get(project);
    if (hooks === undefined) {
      throw new Error(`${project} has no hooks.`);
    }
    return hooks;
  }

  close(): void {
    this.subscribers.forEach(({ receiver }) => receiver.close());
  }

  async #subscribe(project: string, answer: Receiver["answer"]): Promise<void> {
    const receiver = await Receiver.start();
    receiver.answer = (heard): ReceiverAnswer => answer(heard);
    const body = { url: receiver.url, events: ["*"], kind: "webhook" };
    const path = `/v1/projects/${project}/subscribers`;
    const made = await this.signalbox.ask<{ id: string; secret: string }>("POST", path, body);
    receiver.trust(made.secret);
    const after = (await this.signalbox.events(project)).at(-1)?.sequence ?? 0;
    this.subscribers.push({ id: made.id, project, receiver, after });
  }
}
