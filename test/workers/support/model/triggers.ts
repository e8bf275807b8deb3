import { newId } from "../../../../src/ids.ts";
import { putAssets } from "../form.ts";
import type { Pushed } from "./doors.ts";
import type { Answer } from "./ledger.ts";
import type { Play } from "./play.ts";

/** Where a deploy can be asked for with a token. */
export type Door = "api" | "gateway";

/** Whatever asks for a deploy. Refusals are fine here: what was answered with an outcome is what is judged. */
export class Triggers {
  readonly #play: Play;
  readonly #commits = new Map<string, Pushed>();
  readonly #delivered = new Map<string, string>();
  readonly #arriving: (() => Promise<void>)[] = [];
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
    const { world, doors } = this.#play;
    const key = branches.join(" ");
    const known = again === "delivery" ? this.#delivered.get(key) : undefined;
    const delivery = known ?? newId("trg");
    this.#delivered.set(key, delivery);
    const pushed = branches.map((branch) => this.#commit(branch, again !== null));
    for (const one of pushed) {
      world.sandbox.push({ project: world.name, ...one });
    }
    const before = await this.#play.waitingByTarget();
    const got = await doors.deliver(pushed, delivery, quietSeconds);
    if (got === null || got.status >= 300) {
      return;
    }
    for (const answer of (got.body as { results: Answer[] }).results) {
      this.#note(answer);
      const { outcome, deploy_id: id } = answer;
      this.#play.ledger.hookAnswered(
        outcome,
        id === null ? null : await world.deploy(id),
        before,
        quietSeconds,
      );
    }
  }

  async request(
    door: Door,
    branch: string,
    notBeforeMs: number | null = null,
    refuseLocked = false,
  ): Promise<void> {
    const { world } = this.#play;
    if (door === "gateway") {
      const form = new FormData();
      form.set("branch", branch);
      await this.#create(form);
      return;
    }
    const query = new URLSearchParams();
    if (notBeforeMs !== null) {
      query.set("not_before", new Date(world.now() + notBeforeMs).toISOString());
    }
    if (refuseLocked) {
      query.set("if_locked", "refuse");
    }
    await this.#ask(`/deploys?${query.toString()}`, {
      json: { branch },
      headers: { "idempotency-key": newId("trg") },
    });
  }

  /** A body that is there at once; of a slow one the end comes only later, though its number is that of its first byte. */
  async upload(door: Door, branch: string, content: number, slow: boolean): Promise<void> {
    const { world, doors } = this.#play;
    const form = new FormData();
    const manifest = await putAssets(world, { "/index.html": `<h1>${content}</h1>` });
    form.set("manifest", JSON.stringify(manifest));
    form.set("branch", branch);
    form.set("commit_message", `content ${content}`);
    if (slow) {
      this.#arriving.push(await doors.beginUpload(form));
    } else if (door === "gateway") {
      await this.#create(form);
    } else {
      await this.#ask("/deploys", { body: form });
    }
  }

  /** Every slow upload is there. */
  async uploadsEnd(): Promise<void> {
    for (const end of this.#arriving.splice(0)) {
      await end();
    }
  }

  /** @param when in so many milliseconds, or again and again */
  async schedule(branch: string, when: number | string): Promise<void> {
    const { world, doors } = this.#play;
    const time =
      typeof when === "string"
        ? { cron: when }
        : { at: new Date(world.now() + when).toISOString() };
    await doors.ask("POST", "/schedules", { json: { branch, ...time } });
  }

  async endSchedules(): Promise<void> {
    const { doors } = this.#play;
    const { body } = await doors.ask("GET", "/schedules");
    for (const { id } of (body as { items: { id: string }[] }).items) {
      await doors.ask("DELETE", `/schedules/${id}`);
    }
  }

  async retry(which: number): Promise<void> {
    const deploy = await this.#play.pick(which, ({ ended_at }) => ended_at !== null);
    await this.#ask(`/deploys/${deploy}/retry`);
  }

  async promote(which: number): Promise<void> {
    const deploy = await this.#play.pick(
      which,
      ({ kind, environment }) => kind === "upload" && environment === "preview",
    );
    await this.#ask(`/deploys/${deploy}/promote`);
  }

  async rollBack(which: number | null): Promise<void> {
    const to =
      which === null ? null : await this.#play.pick(which, ({ status }) => status === "succeeded");
    await this.#ask(to === null ? "/rollback" : `/deploys/${to}/rollback`);
  }

  #commit(branch: string, again: boolean): Pushed {
    const last = again ? this.#commits.get(branch) : undefined;
    const n = ++this.#made;
    const commit = last ?? {
      branch,
      commit_hash: n.toString(16).padStart(40, "c"),
      commit_message: `change ${n}`,
    };
    this.#commits.set(branch, commit);
    return commit;
  }

  async #ask(path: string, sent: Parameters<Play["doors"]["ask"]>[2] = {}): Promise<void> {
    const { status, body } = await this.#play.doors.ask("POST", path, sent);
    if (status < 300) {
      const { id, outcome, deploy } = body as Answer & { deploy: { id: string } | null };
      this.#note({ id, outcome, deploy_id: deploy?.id ?? null });
    }
  }

  /** That client is not told of a trigger: what was taken has to be on record all the same. */
  async #create(form: FormData): Promise<void> {
    const before = await this.#play.check();
    const taken = await this.#play.doors.create(form);
    const after = await this.#play.check();
    if (taken && after.triggers.length === before.triggers.length) {
      throw new Error("invariant 1, accepted: what the gateway took is not on record");
    }
  }

  #note(answer: Answer): void {
    this.#play.ledger.answers.push(answer);
  }
}
