import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_BRANCH, deliver, pushOf, REPOSITORY } from "../../../scripts/demo/github.ts";
import type { DeliveryOptions } from "../../../scripts/demo/github.ts";
import { Pages } from "../../../scripts/demo/pages.ts";
import type { HookAnswer } from "../../../scripts/demo/push.ts";
import { Receiver } from "../../../scripts/demo/receiver.ts";
import { Signalbox } from "../../../scripts/demo/signalbox.ts";
import { until } from "../../../scripts/demo/wait.ts";
import { startStack } from "../../../scripts/lib/stack.ts";
import type { Stack, StackOptions } from "../../../scripts/lib/stack.ts";
import type { Deploy, Event } from "../../../src/project/shapes.ts";
import type { Policy } from "../../../src/project/policy.ts";

export { DEFAULT_BRANCH } from "../../../scripts/demo/github.ts";

/** One stack with everything around it, for one test file. */
export class World {
  readonly dir: string;
  readonly stack: Stack;
  readonly signalbox: Signalbox;
  readonly pages: Pages;
  readonly #receivers: Receiver[] = [];

  private constructor(dir: string, stack: Stack) {
    this.dir = dir;
    this.stack = stack;
    this.signalbox = new Signalbox(stack.info.url, stack.info.token);
    this.pages = new Pages(stack.info);
  }

  static async start(options: Pick<StackOptions, "issuer"> = {}): Promise<World> {
    const dir = await mkdtemp(join(tmpdir(), "signalbox-e2e-"));
    try {
      return new World(dir, await startStack({ ...options, dir }));
    } catch (error) {
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#receivers.forEach((receiver) => receiver.close());
    await this.stack.stop();
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }

  async receiver(): Promise<Receiver> {
    const receiver = await Receiver.start();
    this.#receivers.push(receiver);
    return receiver;
  }

  /** A registered git project with a GitHub hook and a receiver that is told everything. */
  async gitProject(name: string, policy: Partial<Policy> = {}): Promise<GitProject> {
    const source = REPOSITORY;
    await this.pages.addProject({ name, source, production_branch: DEFAULT_BRANCH });
    const base = `/v1/projects/${name}`;
    await this.signalbox.ask("PUT", base, { native_builds: "off", policy });
    const hook = await this.signalbox.ask<Hook>("POST", `${base}/hooks`, { source: "github" });
    return new GitProject(name, hook, await this.subscribe(name));
  }

  /** A receiver that a project tells everything from now on. */
  async subscribe(project: string): Promise<Receiver> {
    const receiver = await this.receiver();
    const { secret } = await this.signalbox.ask<{ secret: string }>(
      "POST",
      `/v1/projects/${project}/subscribers`,
      { url: receiver.url, events: ["*"], kind: "webhook" },
    );
    receiver.trust(secret);
    return receiver;
  }

  /** The form that publishes these files, which it has put in their place. */
  async siteForm(project: string, files: Readonly<Record<string, string>>): Promise<FormData> {
    const { manifest } = await this.pages.putAssets(project, files);
    const form = new FormData();
    form.set("manifest", JSON.stringify(manifest));
    form.set("branch", "main");
    form.set("commit_hash", newCommit());
    return form;
  }

  /** Waits until there are so many calls to be had that none is put off. */
  async calls(level: number): Promise<void> {
    await this.signalbox.calls(level);
  }
}

export interface Hook {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
}

export class GitProject {
  readonly name: string;
  readonly hook: Hook;
  readonly receiver: Receiver;

  constructor(name: string, hook: Hook, receiver: Receiver) {
    this.name = name;
    this.hook = hook;
    this.receiver = receiver;
  }

  /** A signed push of a new commit; its status, and the answer for its one branch. */
  async push(
    branch: string = DEFAULT_BRANCH,
    options: DeliveryOptions & { readonly commit?: string; readonly message?: string } = {},
  ): Promise<{ status: number; id: string } & HookAnswer["results"][number]> {
    const { commit = newCommit(), message = `Change ${commit.slice(0, 7)}`, ...how } = options;
    const reply = await deliver(this.hook, pushOf(branch, commit, message), how);
    const [result] = (reply.json as Partial<HookAnswer>).results ?? [];
    if (result === undefined) {
      throw new Error(`The push was answered ${reply.status}: ${reply.text}`);
    }
    return { status: reply.status, id: (reply.json as HookAnswer).id, ...result };
  }

  /** The event that says how a deploy ended, once the receiver has heard it. */
  async toldOfEnd(deployId: string, timeoutMs?: number): Promise<Deploy> {
    return until(
      `the end of ${deployId} to be told`,
      () => ends(this.receiver.events()).find(({ id }) => id === deployId),
      timeoutMs,
    );
  }
}

/** How deploys ended, by events. */
export function ends(events: readonly Event[]): Deploy[] {
  return events.flatMap(({ data }) => {
    const { deploy } = data as { deploy?: Deploy };
    return deploy === undefined || deploy.ended_at === null ? [] : [deploy];
  });
}

export function newCommit(): string {
  return randomBytes(20).toString("hex");
}

/** Sequence numbers from the first to the last of these, none missing and none twice. */
export function isGapless(events: readonly Event[]): boolean {
  return events.every(({ sequence }, n) => sequence === (events[0]?.sequence ?? 0) + n);
}
