import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, expectProblem, leave, type Got } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

const deploy = async (run: string | null, branch = "main"): Promise<Got> =>
  edge.on("POST", "/deploys", {
    json: { branch },
    headers: run === null ? {} : { "signalbox-run": run },
  });

describe("a deploy of a CI run", () => {
  it("is superseded at once when a later run of its workflow was there before", async () => {
    const newer = await deploy("deploy.yml/42");
    const stale = await deploy("deploy.yml/41");
    expect(stale.status).toBe(202);
    expect(stale.body).toMatchObject({
      outcome: "superseded",
      reason_code: "stale_run",
      reason: "Superseded by #1: run 41 of deploy.yml is older than run 42, which came first.",
      deploy: { status: "superseded", superseded_by: newer.body.deploy.id },
    });
    const ended = await edge.world.ended(newer.body.deploy.id as string);
    expect(ended.status).toBe("succeeded");
    expect(edge.world.created()).toHaveLength(1);
  });

  it("stays so when that later run is long over", async () => {
    const newer = await deploy("deploy.yml/42");
    await edge.world.ended(newer.body.deploy.id as string);
    expect((await deploy("deploy.yml/41.9")).body.outcome).toBe("superseded");
  });

  it.each([
    ["a later run", "deploy.yml/43", "main"],
    ["the same run, repeated", "deploy.yml/42.2", "main"],
    ["another workflow", "hotfix.yml/1", "main"],
    ["another branch", "deploy.yml/41", "next"],
    ["no run that is named", null, "main"],
  ])("of %s is not", async (_, run, branch) => {
    await deploy("deploy.yml/42.1");
    expect((await deploy(run, branch)).body.outcome).toBe("queued");
  });

  it("is told by wrangler's trace id, too; another trace id means nothing", async () => {
    const traced = async (trace: string): Promise<unknown> =>
      (
        await edge.on("POST", "/deploys", {
          json: { branch: "main" },
          headers: { "cf-trace-id": trace },
        })
      ).body.outcome;
    expect(await traced("run/deploy.yml/42")).toBe("queued");
    expect(await traced("run/deploy.yml/41")).toBe("superseded");
    expect(await traced("deploy.yml/40")).toBe("queued");
    expect(await traced("run/whatever")).toBe("queued");
  });

  it.each(["42", "deploy.yml/", "deploy.yml/x", "deploy.yml/1.2.3", "deploy.yml/-1", "a b/1"])(
    "can't be %j",
    async (run) => {
      const before = await edge.trace();
      expectProblem(await deploy(run), 400, "header_invalid");
      expect(await edge.trace()).toEqual(before);
    },
  );
});
