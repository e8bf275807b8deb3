import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { siteForm, upload } from "../support/form.ts";
import { Edge, expectProblem, leave, type Got } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create({ source: "direct_upload" });
});
afterEach(leave);

/** An upload at its end; to a preview, unless another branch is given. */
async function uploaded(branch = "next"): Promise<string> {
  const { deploy } = await upload(edge.world, await siteForm(edge.world, { branch }));
  return (await edge.world.ended(deploy?.id ?? "")).id;
}

const promote = (id: string, token?: string): Promise<Got> =>
  edge.on("POST", `/deploys/${id}/promote`, token === undefined ? {} : { token });

describe("asking to promote", () => {
  it("is answered with the new deploy, and where it is", async () => {
    const from = await uploaded();
    const got = await promote(from, (await edge.projectToken("deploy")).token);
    expect(got.status).toBe(202);
    expect(got.body).toMatchObject({
      outcome: "queued",
      deploy: {
        kind: "promote",
        branch: "main",
        environment: "production",
        promoted_from: from,
        trigger: { kind: "api", source: "api", actor: expect.stringMatching(/^tok_/) },
      },
    });
    expect(got.headers.get("location")).toBe(`${edge.base}/deploys/${got.body.deploy.id}`);
  });

  it("twice while it waits is answered with the first", async () => {
    const from = await uploaded();
    const first = await promote(from);
    const again = await promote(from);
    expect(again.body).toMatchObject({
      outcome: "coalesced",
      reason_code: "coalesced",
      deploy: { id: first.body.deploy.id },
    });
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    expect(
      (await edge.on("GET", first.headers.get("location")?.replace(edge.base, "") ?? "")).status,
    ).toBe(200);
  });

  it("is refused where it can't be done, and leaves nothing", async () => {
    const live = await uploaded("main");
    const waiting = await upload(edge.world, await siteForm(edge.world, { branch: "next" }));
    const { token } = await edge.projectToken("read");
    const before = await edge.trace();
    expectProblem(await promote(live), 409, "conflict");
    expectProblem(await promote(waiting.deploy?.id ?? ""), 409, "conflict");
    expectProblem(await promote("dpl_01JZZZZZZZZZZZZZZZZZZZZZZZ"), 404, "not_found");
    expectProblem(await promote(live, token), 403, "insufficient_scope");
    expect(await edge.trace()).toEqual(before);
  });

  it("is refused when the body is gone", async () => {
    const from = await uploaded();
    await edge.world.run(8 * 86_400_000);
    expectProblem(await promote(from), 410, "body_expired");
  });

  it("is refused for a build, with what to do", async () => {
    edge = await Edge.create();
    const built = await edge.on("POST", "/deploys", { json: { branch: "next" } });
    const got = await promote(built.body.deploy.id as string);
    expectProblem(got, 409, "not_promotable");
    expect(got.body.detail).toContain("Merge next into main and push that");
  });
});
