import { newId } from "../../../../src/ids.ts";
import type { Environment, PolicyChange } from "../../../../src/project/policy.ts";
import type { Deploy } from "../../../../src/project/shapes.ts";
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
    const id = await this.#play.pick(which, isOpen);
    await this.#do((stub) => stub.cancel(id, "ada"));
  }

  async approve(which: number): Promise<void> {
    const id = await this.#play.pick(which, asksApproval);
    await this.#do((stub) => stub.approve(id, "ada"));
  }

  async reject(which: number): Promise<void> {
    const id = await this.#play.pick(which, asksApproval);
    await this.#do((stub) => stub.reject(id, "ada", null));
  }

  async release(which: number): Promise<void> {
    const id = await this.#play.pick(which, waits);
    await this.#do((stub) => stub.release(id, "ada", "urgent"));
  }

  async lock(environment: Environment | null, forMs: number | null): Promise<void> {
    const until = forMs === null ? null : this.#play.world.now() + forMs;
    const lock = { id: newId("lck"), environment, holder: "ada", reason: "moving", until };
    await this.#do((stub) => stub.addLock(lock));
  }

  async unlock(which: number): Promise<void> {
    const locks = await this.#do((stub) => stub.locks());
    const lock = locks[which % Math.max(1, locks.length)];
    await this.#do((stub) => stub.removeLock(lock?.id ?? "", "ada"));
  }

  async unlockAll(): Promise<void> {
    for (const { id } of await this.#do((stub) => stub.locks())) {
      await this.#do((stub) => stub.removeLock(id, "ada"));
    }
  }

  /** What does not go together is refused, and then nothing has changed. */
  async changePolicy(change: PolicyChange): Promise<void> {
    const answer = await this.#do((stub) => stub.changePolicy(change, null));
    if (answer.ok) {
      this.#play.ledger.policyIs(answer.value.policy);
    }
  }

  #do<T>(act: (stub: ReturnType<Play["world"]["stub"]>) => Promise<T>): Promise<T> {
    const { world } = this.#play;
    return world.retrying(() => act(world.stub()));
  }
}
