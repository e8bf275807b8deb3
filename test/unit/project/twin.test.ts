import { describe, expect, it } from "vitest";

import { UpstreamDeployment } from "../../../src/cloudflare/schemas.ts";
import { canBeTold, mayBeOurs } from "../../../src/project/twin.ts";

function deployment(id: string, metadata: object, more: object = {}): UpstreamDeployment {
  return UpstreamDeployment.parse({
    id,
    source: { type: "github" },
    deployment_trigger: {
      type: "ad_hoc",
      metadata: {
        branch: "main",
        commit_hash: "a",
        commit_message: "m",
        commit_dirty: false,
        ...metadata,
      },
    },
    ...more,
  });
}

const sent = {
  form: { branch: "main", commit_hash: "a", commit_message: "m" },
  productionBranch: "main",
  manifest: false,
};

describe("a deployment that may be ours", () => {
  it.each([
    ["the same", deployment("x", {}), true],
    ["one from before", deployment("old", {}), false],
    ["another branch", deployment("x", { branch: "dev" }), false],
    ["another commit", deployment("x", { commit_hash: "b" }), false],
    ["another message", deployment("x", { commit_message: "n" }), false],
    [
      "a git push of its own",
      deployment(
        "x",
        {},
        {
          deployment_trigger: {
            type: "github:push",
            metadata: { branch: "main", commit_hash: "a", commit_message: "m" },
          },
        },
      ),
      false,
    ],
    ["a direct upload", deployment("x", {}, { source: undefined }), false],
    ["one without a trigger", deployment("x", {}, { deployment_trigger: null }), false],
  ])("%s: %s", (_, candidate, ours) => {
    expect(mayBeOurs([candidate], ["old"], sent)).toHaveLength(ours ? 1 : 0);
  });

  it("is compared only by what was sent", () => {
    const form = { commit_hash: "a" };
    const other = deployment("x", { commit_message: "whatever", commit_dirty: true });
    expect(mayBeOurs([other], [], { ...sent, form })).toHaveLength(1);
    expect(mayBeOurs([other], [], { ...sent, form: { ...form, commit_dirty: false } })).toEqual([]);
  });

  it("may carry a message that was cut", () => {
    const long = "x".repeat(1_000);
    const cut = deployment("x", { commit_message: long.slice(0, 384) });
    const form = { ...sent.form, commit_message: long };
    expect(mayBeOurs([cut], [], { ...sent, form })).toHaveLength(1);
    expect(mayBeOurs([deployment("x", { commit_message: "" })], [], { ...sent, form })).toEqual([]);
  });

  it("can't be told by a branch alone", () => {
    expect(canBeTold({ branch: "main" })).toBe(false);
    expect(canBeTold({ branch: "main", commit_message: "m" })).toBe(true);
  });
});
