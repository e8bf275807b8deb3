import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { putAssets } from "../support/form.ts";
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

  it("is told by a field of a JSON body, which comes before the header", async () => {
    const told = async (field: string): Promise<Got> =>
      edge.on("POST", "/deploys", {
        json: { branch: "main", signalbox_run: field },
        headers: { "signalbox-run": "deploy.yml/99" },
      });
    expect((await told("deploy.yml/42")).body.outcome).toBe("queued");
    expect((await told("deploy.yml/41")).body.reason_code).toBe("stale_run");
    expectProblem(await told("42"), 422, "field_invalid");
  });
});

describe("the run in a form", () => {
  beforeEach(async () => {
    edge = await Edge.create({ source: "direct_upload" });
  });

  const FIELDS = ["manifest", "branch", "commit_message"] as const;

  /** A form with the run as its n-th part; what it was answered. */
  async function send(run: string, place: number, branch = "main"): Promise<Got> {
    const values = {
      manifest: JSON.stringify(await putAssets(edge.world, { "/index.html": run })),
      branch,
      commit_message: "site",
    };
    const form = new FormData();
    for (const [n, name] of FIELDS.entries()) {
      (n === place ? [run] : []).forEach((text) => form.append("signalbox_run", text));
      form.append(name, values[name]);
    }
    (place === FIELDS.length ? [run] : []).forEach((text) => form.append("signalbox_run", text));
    return edge.on("POST", "/deploys", { body: form });
  }

  it.each([0, 1, 2, 3])("as part %i counts, and Cloudflare never sees it", async (place) => {
    const sent = await send("deploy.yml/42.1", place);
    const { status, deployment } = await edge.world.ended(sent.body.deploy.id as string);
    expect(status).toBe("succeeded");
    const stored = edge.world.sandbox.form(deployment?.id ?? "");
    expect(stored?.parts.map(({ name }) => name)).toEqual(FIELDS);
    expect((await send("deploy.yml/41", place)).body.reason_code).toBe("stale_run");
  });

  it("of a preview stays out when that is promoted", async () => {
    const sent = await send("deploy.yml/42.1", 3, "next");
    await edge.world.ended(sent.body.deploy.id as string);
    const promoted = await edge.on("POST", `/deploys/${sent.body.deploy.id}/promote`);
    const { deployment } = await edge.world.ended(promoted.body.deploy.id as string);
    const stored = edge.world.sandbox.form(deployment?.id ?? "");
    expect(stored?.parts.map(({ name }) => name)).toEqual(FIELDS);
    expect(deployment?.environment).toBe("production");
  });

  it("does not make equal content another one", async () => {
    const held = await edge.on("POST", "/locks", { json: { reason: "moving" } });
    expect(held.status).toBe(201);
    const first = await send("deploy.yml/42.1", 0);
    // The file's content is the run's text, so this is another site; the same text at another place is not.
    const same = await send("deploy.yml/42.1", 3);
    expect([first.body.outcome, same.body.outcome]).toEqual(["held", "coalesced"]);
  });

  it("is refused where it is none", async () => {
    expectProblem(await send("x", 0), 422, "field_invalid");
    expectProblem(await send("x".repeat(300), 0), 422, "field_too_long");
  });
});
