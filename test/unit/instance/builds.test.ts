import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { mayBuild, type AskedBuild } from "../../../src/instance/builds.ts";

const build = (deploy_id: string, of: "production" | "preview" | "schedule", since = 0) => ({
  deploy_id,
  project: `acc/${deploy_id}`,
  class: { production: 1, preview: 2, schedule: 3 }[of],
  since,
});

describe("a build may start", () => {
  const hotfix = build("hotfix", "production", 9);
  const preview = build("preview", "preview", 1);
  const other = build("other", "preview", 2);

  it("while there is a place", () => {
    expect(mayBuild(1, [], [], preview)).toBe(true);
    expect(mayBuild(1, [other], [], preview)).toBe(false);
    expect(mayBuild(1, [other], [], hotfix)).toBe(false);
  });

  it("when it has its place already", () => {
    expect(mayBuild(1, [preview], [hotfix], preview)).toBe(true);
  });

  it("of production before previews that came first", () => {
    expect(mayBuild(1, [], [preview, hotfix], preview)).toBe(false);
    expect(mayBuild(1, [], [preview, hotfix], hotfix)).toBe(true);
  });

  it("of production in the place that previews leave free", () => {
    expect(mayBuild(2, [preview], [], other)).toBe(false);
    expect(mayBuild(2, [preview], [], hotfix)).toBe(true);
    expect(mayBuild(3, [preview], [], other)).toBe(true);
  });

  it("of a preview where production takes the place that is kept for it", () => {
    expect(mayBuild(2, [hotfix], [], preview)).toBe(true);
  });

  it("of equals the one that came first", () => {
    expect(mayBuild(2, [], [preview, other], other)).toBe(false);
    expect(mayBuild(2, [], [preview, other], preview)).toBe(true);
  });
});

const Some = fc
  .uniqueArray(
    fc.tuple(fc.nat(40), fc.constantFrom("production", "preview", "schedule"), fc.nat(5)),
    {
      selector: ([n]) => n,
      maxLength: 12,
    },
  )
  .map((all) => all.map(([n, of, since]) => build(`dpl_${n}`, of as "preview", since)));

/** All of them ask, again and again, until none gets a place any more. */
function settle(limit: number, asking: readonly AskedBuild[]): AskedBuild[] {
  const running: AskedBuild[] = [];
  for (let n = 0; n <= asking.length; n++) {
    for (const each of asking) {
      const waiting = asking.filter((other) => !running.includes(other));
      if (!running.includes(each) && mayBuild(limit, running, waiting, each)) {
        running.push(each);
      }
    }
  }
  return running;
}

describe("the places of an account", () => {
  it("are never more than the limit, none stays empty, and the last is for production", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), Some, (limit, asking) => {
        const running = settle(limit, asking);
        const urgent = asking.filter((each) => each.class === 1).length;
        const others = asking.length - urgent;
        const taken = Math.min(urgent, limit);
        const room = Math.min(limit - taken, Math.max(1, limit - 1));
        expect(running.filter((each) => each.class === 1)).toHaveLength(taken);
        expect(running).toHaveLength(taken + Math.min(others, room));
      }),
      { numRuns: 1_000 },
    );
  });
});
