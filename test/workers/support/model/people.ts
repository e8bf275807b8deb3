import type { Environment, Policy, PolicyChange } from "../../../../src/project/policy.ts";
import type { Deploy } from "../../../../src/project/shapes.ts";
import type { Got } from "../../api/edge.ts";
import type { Play } from "./play.ts";

const isOpen = ({ ended_at }: Deploy): boolean => ended_at === null;
const waits = ({ status }: Deploy): boolean => status === "queued";
const asksApproval = ({ waiting }: Deploy): boolean => waiting?.for === "approval";

/** What people do to a project's line. */
export class People {
  readonly #play: Play;

  constructor(play: Play) {
    this.#play = play;
  }

  async cancel(which: number): Promise<void> {
    await this.#to(which, isOpen, "cancel");
  }

  async approve(which: number): Promise<void> {
    await this.#to(which, asksApproval, "approve");
  }

  async reject(which: number): Promise<void> {
    await this.#to(which, asksApproval, "reject", {});
  }

  async release(which: number): Promise<void> {
    await this.#to(which, waits, "release", { reason: "urgent" });
  }

  async lock(environment: Environment | null, forMs: number | null): Promise<void> {
    const until = forMs === null ? undefined : this.#play.world.now() + forMs;
    await this.#play.doors.ask("POST", "/locks", {
      json: {
        holder: "ada",
        reason: "moving",
        ...(environment !== null && { environment }),
        ...(until !== undefined && { until: new Date(until).toISOString() }),
      },
    });
  }

  async unlock(which: number): Promise<void> {
    const locks = await this.#locks();
    const lock = locks[which % Math.max(1, locks.length)];
    if (lock !== undefined) {
      await this.#play.doors.ask("DELETE", `/locks/${lock}`);
    }
  }

  async unlockAll(): Promise<void> {
    for (const lock of await this.#locks()) {
      await this.#play.doors.ask("DELETE", `/locks/${lock}`);
    }
  }

  /** What does not go together is refused, and then nothing has changed. */
  async changePolicy(change: PolicyChange): Promise<void> {
    const { status, body } = await this.#play.doors.ask("PATCH", "/policy", { json: change });
    if (status === 200) {
      this.#play.ledger.policyIs(body as Policy);
    }
  }

  async #locks(): Promise<string[]> {
    const { body } = await this.#play.doors.ask("GET", "/locks");
    return (body as { items: { id: string }[] }).items.map(({ id }) => id);
  }

  /** Of those deploys, one; a deploy that there is not, where there are none. */
  async #to(
    which: number,
    from: (deploy: Deploy) => boolean,
    what: string,
    json?: object,
  ): Promise<Got> {
    const id = await this.#play.pick(which, from);
    return this.#play.doors.ask("POST", `/deploys/${id}/${what}`, { json });
  }
}
