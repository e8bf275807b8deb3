import type { Paper } from "./paper.ts";

/** Something the demo claims did not hold. */
export class NotHeld extends Error {
  override readonly name = "NotHeld";
}

/** What the demo claims, checked one by one: the first that does not hold ends it. */
export class Checks {
  readonly #paper: Paper;
  count = 0;

  constructor(paper: Paper) {
    this.#paper = paper;
  }

  /** `otherwise` says what was found instead. */
  hold(claim: string, holds: boolean, otherwise: unknown): void {
    if (!holds) {
      this.#paper.failed(claim);
      throw new NotHeld(`Did not hold: ${claim}. Found: ${JSON.stringify(otherwise)}`);
    }
    this.count += 1;
    this.#paper.held(claim);
  }
}
