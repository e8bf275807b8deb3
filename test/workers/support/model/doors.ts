import { exports } from "cloudflare:workers";
import { sign } from "@octokit/webhooks-methods";

import { referenceOf } from "../../../../src/objects.ts";
import type { Project } from "../../../../src/project/project.ts";
import { bootstrap, Edge, ORIGIN, type Got, type Sent } from "../../api/edge.ts";
import type { World } from "../world.ts";

const REPOSITORY = "acme/site";

interface Hook {
  readonly path: string;
  readonly secret: string;
}

/** One branch of a push, as a git host tells of it. */
export interface Pushed {
  readonly branch: string;
  readonly commit_hash: string;
  readonly commit_message: string;
}

/** The Worker's doors to one project, as git hosts, services and people have them. */
export class Doors {
  readonly #world: World;
  readonly #edge: Edge;
  readonly #base: string;
  readonly #hooks = new Map<string, Hook>();

  private constructor(edge: Edge) {
    this.#edge = edge;
    this.#world = edge.world;
    this.#base = `/v1/projects/${referenceOf(this.#world.key, edge.config.accountId)}`;
  }

  static async to(world: World): Promise<Doors> {
    const { config } = world;
    if (config === null) {
      throw new Error("doors: the world has not begun");
    }
    return new Doors(new Edge(world, config, await bootstrap(config)));
  }

  /** `path` is below the project. What an object that crashed left unanswered is asked again, as clients do. */
  ask(method: string, path: string, sent: Sent = {}): Promise<Got> {
    return this.#send(method, `${this.#base}${path}`, sent);
  }

  /** Of the whole instance. */
  askInstance(method: string, path: string, sent: Sent): Promise<Got> {
    return this.#send(method, path, sent);
  }

  /**
   * One delivery of a hook with this quiet period of its own: by GitHub, or by Bitbucket where it is about several branches.
   * null: there can be no hook.
   */
  async deliver(
    pushed: readonly Pushed[],
    id: string,
    quietSeconds: number | null,
  ): Promise<Got | null> {
    const [only, ...more] = pushed;
    const isOne = only !== undefined && more.length === 0;
    const hook = await this.#hook(isOne ? "github" : "bitbucket", quietSeconds);
    if (hook === null) {
      return null;
    }
    const { path, secret } = hook;
    const body = JSON.stringify(isOne ? githubPush(only) : bitbucketPush(pushed));
    const signature = await sign(secret, body);
    const headers = isOne
      ? { "x-github-event": "push", "x-github-delivery": id, "x-hub-signature-256": signature }
      : { "x-event-key": "repo:push", "x-request-uuid": id, "x-hub-signature": signature };
    return this.#send("POST", path, {
      token: null,
      body,
      headers: { "content-type": "application/json", ...headers },
    });
  }

  /** The address of a hook, as its sender has it; null: there can be none. */
  async hookPath(): Promise<string | null> {
    return (await this.#hook("github", null))?.path ?? null;
  }

  /** Create deployment as wrangler asks for it, which hangs up as soon as it is taken; false: it was refused. */
  async create(form: FormData): Promise<boolean> {
    const { accountId } = this.#world.sandbox;
    const path = `/client/v4/accounts/${accountId}/pages/projects/${this.#world.name}/deployments`;
    const { status } = await this.#answered(async () => {
      const response = await exports.default.fetch(
        new Request(`${ORIGIN}${path}`, {
          method: "POST",
          body: form,
          headers: { authorization: `Bearer ${this.#edge.token}`, "user-agent": "wrangler/4" },
        }),
      );
      const reader = response.body?.getReader();
      const begun = await reader?.read();
      await reader?.cancel();
      return { status: response.status, text: new TextDecoder().decode(begun?.value) };
    });
    // Nobody hears any more what would have been told, so that time can go on.
    while (await this.#world.inside((_, state) => state.getWebSockets().length > 0)) {
      await scheduler.wait(1);
    }
    return status === 200;
  }

  /**
   * A form that has arrived but for its end. What is returned sends that, and resolves when the answer is there; by then the
   * deploy may be refused, as when its project was lost in between.
   */
  async beginUpload(form: FormData): Promise<() => Promise<void>> {
    const request = new Request(ORIGIN, { method: "POST", body: form });
    const type = request.headers.get("content-type") ?? "";
    const bytes = new Uint8Array(await request.arrayBuffer());
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const answer = this.#edge.direct(`${this.#base}/deploys`, readable, { "content-type": type });
    const send = async (part: Uint8Array): Promise<void> => {
      // Who sends learns by the answer that nobody takes it any more.
      await Promise.race([writer.write(part).catch(() => undefined), answer]);
    };
    await send(bytes.subarray(0, -8));
    const answered = answer.then(() => true);
    while (!(await Promise.race([answered, this.#world.inside(isOpen)]))) {
      await scheduler.wait(1);
    }
    return async () => {
      await send(bytes.subarray(-8));
      await writer.close().catch(() => undefined);
      await answer;
      this.#world.touched();
    };
  }

  #send(method: string, path: string, sent: Sent): Promise<Got> {
    return this.#answered(() => this.#edge.send(method, path, sent));
  }

  async #answered<T extends { readonly status: number; readonly text: string }>(
    ask: () => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const { crashes } = this.#world;
      const got = await ask();
      this.#world.touched();
      if (got.status < 500) {
        return got;
      }
      if (this.#world.crashes === crashes) {
        throw new Error(`a door of ${this.#world.name} answered ${got.status}: ${got.text}`);
      }
    }
  }

  async #hook(source: "github" | "bitbucket", quietSeconds: number | null): Promise<Hook | null> {
    const key = `${source} ${quietSeconds}`;
    const known = this.#hooks.get(key);
    if (known !== undefined) {
      return known;
    }
    const settings = quietSeconds === null ? {} : { quiet_period_seconds: quietSeconds };
    const made = await this.ask("POST", "/hooks", { json: { source, ...settings } });
    if (made.status >= 300) {
      return null;
    }
    const { url, secret } = made.body as { url: string; secret: string };
    const hook = { path: new URL(url).pathname, secret };
    this.#hooks.set(key, hook);
    return hook;
  }
}

/** Whether a body streams in. */
const isOpen = ({ context }: Project): boolean =>
  context.sql.one("SELECT 1 AS x FROM uploads WHERE state = 'open'") !== null;

/** Of what GitHub sends, what is read of it. */
function githubPush({ branch, commit_hash, commit_message }: Pushed): object {
  return {
    ref: `refs/heads/${branch}`,
    after: commit_hash,
    head_commit: { id: commit_hash, message: commit_message },
    pusher: { name: "ines" },
    repository: { full_name: REPOSITORY },
  };
}

function bitbucketPush(pushed: readonly Pushed[]): object {
  return {
    actor: { nickname: "ines" },
    repository: { full_name: REPOSITORY },
    push: {
      changes: pushed.map(({ branch, commit_hash: hash, commit_message: message }) => ({
        new: { type: "branch", name: branch, target: { hash, message } },
      })),
    },
  };
}
