import { readDeployForm } from "../../../../src/deploy-form/read.ts";
import { newId } from "../../../../src/ids.ts";
import type { AcceptInput, Answered } from "../../../../src/project/accept.ts";
import type { Trigger, TriggerKind } from "../../../../src/project/shapes.ts";
import type { Result } from "../../../../src/result.ts";
import { putAssets } from "../form.ts";
import type { Play } from "./play.ts";

type Refusable<T> = Result<T, { readonly code: string }>;

/** Whatever asks for a deploy. Refusals are fine here: what was answered with an outcome is what is judged. */
export class Triggers {
  readonly #play: Play;
  readonly #commits = new Map<string, { commit_hash: string; commit_message: string }>();
  readonly #delivered = new Map<string, string>();
  readonly #arrived: (() => Promise<unknown>)[] = [];
  #made = 0;

  constructor(play: Play) {
    this.#play = play;
  }

  /** One delivery of a hook, for one branch or several. */
  async push(
    branches: readonly string[],
    again: "commit" | "delivery" | null,
    quietSeconds: number | null,
  ): Promise<void> {
    const { world, hook } = this.#play;
    const key = branches.join(" ");
    const known = again === "delivery" ? this.#delivered.get(key) : undefined;
    const delivery = known ?? newId("trg");
    this.#delivered.set(key, delivery);
    const parts = branches.map((branch) => {
      const commit = this.#commit(branch, again !== null);
      world.sandbox.push({ project: world.name, branch, ...commit });
      return this.#input({
        trigger: { ...trigger("hook"), source: "github", delivery_id: delivery },
        dedupe_key: `hook/${delivery}/${branch}`,
        branch,
        form: { branch, ...commit },
        content_hash: `build/${branch}/${commit.commit_hash}`,
        quiet_seconds: quietSeconds,
      });
    });
    const before = await this.#play.waitingByTarget();
    const answered = await this.#ask<Answered[]>(() =>
      world.stub().acceptDelivery({ hook: { id: hook, revision: 1 }, parts }),
    );
    for (const one of answered ?? []) {
      this.#play.ledger.hookAnswered(one, before, quietSeconds);
    }
  }

  async request(branch: string, notBeforeMs: number | null, refuseLocked: boolean): Promise<void> {
    await this.#accept({
      branch,
      not_before: notBeforeMs === null ? null : this.#play.world.now() + notBeforeMs,
      refuse_locked: refuseLocked,
    });
  }

  /** A body that is stored now; a slow one becomes a deploy only later, with the number of its first byte. */
  async upload(branch: string, content: number, slow: boolean): Promise<void> {
    const { world } = this.#play;
    const form = new FormData();
    const manifest = await putAssets(world, { "/index.html": `<h1>${content}</h1>` });
    form.set("manifest", JSON.stringify(manifest));
    form.set("branch", branch);
    form.set("commit_message", `content ${content}`);
    const request = new Request("https://signalbox.test/", { method: "POST", body: form });
    const contentType = request.headers.get("content-type") ?? "";
    const bytes = await request.arrayBuffer();
    const stored = await world.retrying(async () => {
      const id = newId("upl");
      const read = readDeployForm(new Response(bytes).body, contentType);
      const [received, parsed] = await Promise.all([
        world.stub().receive(id, contentType, read.stream),
        read.form,
      ]);
      return { id, received, parsed };
    });
    const { id, received, parsed } = stored;
    if (!received.ok || !parsed.ok) {
      return;
    }
    const input = this.#input({
      kind: "upload",
      branch,
      form: parsed.value.fields,
      content_hash: parsed.value.content_hash,
      upload: {
        id,
        bytes: parsed.value.bytes,
        parts: parsed.value.parts.map(({ name, at, size }) => ({ name, at, size })),
        hashes: parsed.value.manifest?.hashes ?? [],
      },
    });
    const accept = (): Promise<unknown> => this.#accept(input);
    if (slow) {
      this.#arrived.push(accept);
    } else {
      await accept();
    }
  }

  /** Every slow upload is there. */
  async uploadsEnd(): Promise<void> {
    for (const accept of this.#arrived.splice(0)) {
      await accept();
    }
  }

  async schedule(branch: string, inMs: number): Promise<void> {
    const { world } = this.#play;
    const at = world.now() + inMs;
    await world.retrying(() => world.stub().addSchedule({ id: newId("sch"), branch, at }));
  }

  async retry(which: number): Promise<void> {
    const { world } = this.#play;
    const deploy = await this.#play.pick(which, ({ ended_at }) => ended_at !== null);
    const asked = trigger("retry");
    const id = newId("dpl");
    await this.#ask(() => world.stub().retry(deploy, asked, id));
  }

  async promote(which: number): Promise<void> {
    const { world } = this.#play;
    const deploy = await this.#play.pick(
      which,
      ({ kind, environment }) => kind === "upload" && environment === "preview",
    );
    const asked = trigger("api");
    const id = newId("dpl");
    await this.#ask(() => world.stub().promote(deploy, asked, id));
  }

  async rollBack(which: number | null): Promise<void> {
    const { world } = this.#play;
    const to =
      which === null ? null : await this.#play.pick(which, ({ status }) => status === "succeeded");
    const asked = trigger("api");
    const id = newId("dpl");
    await this.#ask(() => world.stub().rollBack(to, asked, id));
  }

  #commit(branch: string, again: boolean): { commit_hash: string; commit_message: string } {
    const last = again ? this.#commits.get(branch) : undefined;
    const n = ++this.#made;
    const commit = last ?? {
      commit_hash: n.toString(16).padStart(40, "c"),
      commit_message: `change ${n}`,
    };
    this.#commits.set(branch, commit);
    return commit;
  }

  #input(input: Partial<AcceptInput>): AcceptInput {
    return {
      deploy_id: newId("dpl"),
      trigger: trigger("api"),
      dedupe_key: null,
      fingerprint: null,
      kind: "build",
      branch: null,
      form: {},
      content_hash: null,
      upload: null,
      stored_upload: null,
      hook_id: null,
      retry_of: null,
      ...input,
    };
  }

  async #accept(input: Partial<AcceptInput>): Promise<void> {
    const full = this.#input(input);
    await this.#ask(() => this.#play.world.stub().accept(full));
  }

  /** Asks as the edge does: again, with the same ids, when the object crashed under it. */
  async #ask<T extends Answered | Answered[]>(
    call: () => Promise<Refusable<T>>,
  ): Promise<T | null> {
    const answer = await this.#play.world.retrying(call);
    if (!answer.ok) {
      return null;
    }
    this.#play.ledger.answers.push(...[answer.value].flat());
    return answer.value;
  }
}

function trigger(kind: TriggerKind): Trigger {
  return { id: newId("trg"), kind, source: kind, actor: "ines", delivery_id: null };
}
