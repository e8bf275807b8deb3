import { madeFor } from "../../../scripts/demo/journal.ts";
import { Signalbox } from "../../../scripts/demo/signalbox.ts";
import { until } from "../../../scripts/demo/wait.ts";
import type { Policy } from "../../../src/project/policy.ts";
import type { Deploy, Event, ProjectView } from "../../../src/project/shapes.ts";
import type { GitProject, World } from "./world.ts";

const MINUTE = 60_000;
/** What has to be done while it is closed takes no longer, on a busy machine too. */
const ENOUGH_MS = 8_000;

/** A window that is closed now, and opens at the next full minute at which there was time to do something before. */
export function closedNow(): { window: Policy["windows"][number]; opens: number } {
  const opens = Math.ceil((Date.now() + ENOUGH_MS) / MINUTE) * MINUTE;
  const duration = 5;
  const began = new Date(opens - duration * MINUTE);
  const window = {
    action: "deny",
    environment: null,
    cron: `${began.getUTCMinutes()} ${began.getUTCHours()} * * *`,
    duration_minutes: duration,
    time_zone: "UTC",
    reason: "the fair",
  } as const;
  return { window, opens };
}

/** A git project as those see it who set its rules, push to it and are told. */
export class Ruled {
  readonly base: string;
  readonly project: GitProject;
  readonly #world: World;
  /** By what code a GET or the answer to a push gave a reason, and where. */
  readonly #codes = new Map<string, string>();

  private constructor(world: World, project: GitProject) {
    this.#world = world;
    this.project = project;
    this.base = `/v1/projects/${project.name}`;
  }

  static async make(world: World, name: string, policy: Partial<Policy> = {}): Promise<Ruled> {
    return new Ruled(world, await world.gitProject(name, policy));
  }

  /** A signed push that must be accepted; the deploy's id. */
  async push(branch?: string, message?: string): Promise<string> {
    const { status, deploy_id: id } = await this.project.push(
      branch,
      message === undefined ? {} : { message },
    );
    if (status !== 202 || id === null) {
      throw new Error(`The push to ${this.project.name} was answered ${status}.`);
    }
    return id;
  }

  async ask<T>(method: string, what = "", body?: unknown): Promise<T> {
    return this.#world.signalbox.ask<T>(method, this.base + what, body);
  }

  async get(id: string): Promise<Deploy> {
    const deploy = await this.#world.signalbox.deploy(this.project.name, id);
    this.#note(deploy, "GET");
    return deploy;
  }

  async view(): Promise<ProjectView> {
    return this.ask("GET");
  }

  async policy(change: Partial<Policy>): Promise<Policy> {
    return this.ask("PATCH", "/policy", change);
  }

  /** Speaks with a token of this project alone. */
  async token(scope: "deploy" | "manage"): Promise<{ id: string; as: Signalbox }> {
    const made = await this.ask<{ id: string; token: string }>("POST", "/tokens", {
      scopes: [scope],
    });
    return { id: made.id, as: new Signalbox(this.#world.stack.info.url, made.token) };
  }

  /** The deployments that Cloudflare was asked for. */
  async made(): Promise<string[]> {
    return madeFor(await this.#world.pages.journal(), this.project.name);
  }

  /** An event of this type, once the receiver has heard it; the first one, of one deploy where that is given. */
  async told(type: Event["type"], deployId?: string): Promise<Event> {
    return until(`${type} of ${this.project.name} to be told`, () =>
      this.project.receiver
        .events()
        .find(
          (event) => event.type === type && (deployId === undefined || dplOf(event) === deployId),
        ),
    );
  }

  /** The end of a deploy, as it was told and as it is shown. */
  async ended(id: string, timeoutMs?: number): Promise<Deploy> {
    const told = await this.project.toldOfEnd(id, timeoutMs);
    const shown = await this.get(id);
    if (JSON.stringify(shown) !== JSON.stringify(told)) {
      throw new Error(`#${told.number} was told ${JSON.stringify(told)}, and is shown otherwise.`);
    }
    return shown;
  }

  /** The types of the events about a deploy, in the order in which they were told, without those of its stages. */
  toldOf(id: string): string[] {
    return this.project.receiver
      .events()
      .filter((event) => dplOf(event) === id && event.type !== "deploy.stage")
      .map(({ type }) => type);
  }

  /** Every reason for a wait, an end or an outcome that anybody was given here, and where. */
  async codes(): Promise<ReadonlyMap<string, string>> {
    for (const event of await this.#world.signalbox.events(this.project.name)) {
      const { deploy } = event.data as { deploy?: Deploy };
      if (deploy !== undefined) {
        this.#note(deploy, event.type);
      }
    }
    for (const deploy of await this.#world.signalbox.deploys(this.project.name)) {
      this.#note(deploy, "the list");
    }
    const { items } = await this.ask<{ items: { reason_code: string | null }[] }>(
      "GET",
      `/hooks/${this.project.hook.id}/deliveries`,
    );
    items.forEach((delivery) => this.#note(delivery, "a delivery"));
    return this.#codes;
  }

  #note(
    { reason_code: code, waiting }: Pick<Deploy, "reason_code"> & Partial<Pick<Deploy, "waiting">>,
    where: string,
  ): void {
    for (const given of [code, waiting?.for ?? null]) {
      if (given !== null) {
        this.#codes.set(given, `${this.project.name}: ${where}`);
      }
    }
  }
}

function dplOf({ data }: Event): string | undefined {
  return (data as { deploy?: Deploy }).deploy?.id;
}

/** The codes in the table of reasons of docs/api.md. */
export function documentedReasons(markdown: string): Set<string> {
  const [, section = ""] = markdown.split(/^## Reasons$/m);
  const firstColumns = [...section.matchAll(/^\| (`[^|]*)\|/gm)].map(([, column]) => column ?? "");
  return new Set(
    firstColumns.flatMap((column) =>
      [...column.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? ""),
    ),
  );
}
