import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { newId } from "../../../src/ids.ts";
import type { Answered } from "../../../src/project/accept.ts";
import { CHUNK_BYTES } from "../../../src/project/receive.ts";
import { siteForm, upload } from "../support/form.ts";
import { World } from "../support/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.create({ source: "direct_upload" });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

async function preview(branch = "feature/x", text = "new") {
  const form = await siteForm(world, { branch, files: { "/index.html": text } });
  return world.ended(id(await upload(world, form)));
}

const locked = {
  id: "lck_1",
  environment: "production",
  holder: "Ada",
  reason: "moving",
  until: null,
} as const;

async function promote(deployId: string): Promise<Answered> {
  const trigger = {
    id: newId("trg"),
    kind: "api",
    source: "api",
    actor: "tok_ada",
    delivery_id: null,
  } as const;
  const answer = await world.stub().promote(deployId, trigger, newId("dpl"));
  if (!answer.ok) {
    throw new Error(`${answer.error.code}: ${answer.error.detail}`);
  }
  return answer.value;
}

const page = async (host: string): Promise<string> =>
  (await world.sandbox.fetch(new Request(`https://${host}.pages.dev/`))).text();

describe("a promotion", () => {
  it("publishes what the preview shows, as a deploy of its own", async () => {
    await world.ended(id(await upload(world, await siteForm(world))));
    const shown = await preview();
    expect(await page(world.name)).toBe("<h1>hi</h1>");
    const live = await world.ended(id(await promote(shown.id)));
    expect(live).toMatchObject({
      kind: "promote",
      status: "succeeded",
      number: shown.number + 1,
      branch: "main",
      environment: "production",
      commit_hash: shown.commit_hash,
      promoted_from: shown.id,
    });
    expect(await page(world.name)).toBe("new");
    expect(live.deployment?.id).not.toBe(shown.deployment?.id);
    const types = (await world.events()).map(({ type }) => type);
    expect(types.slice(-2)).toEqual(["deploy.succeeded", "deploy.promoted"]);
  });

  it("sends every part as it was, but for the branch", async () => {
    const shown = await preview();
    const live = await world.ended(id(await promote(shown.id)));
    const [before, after] = [shown, live].map(({ deployment }) =>
      world.sandbox.form(deployment?.id ?? ""),
    );
    const { sha256: _, ...branch } = {
      ...after?.parts.find(({ name }) => name === "branch"),
      sha256: "",
    };
    expect(branch).toMatchObject({ name: "branch", size: 4 });
    const others = (form: typeof before) => form?.parts.filter(({ name }) => name !== "branch");
    expect(others(after)).toEqual(others(before));
    expect(after?.parts).toHaveLength(before?.parts.length ?? -1);
  });

  it("waits as any deploy of production does, and its body is kept meanwhile", async () => {
    const shown = await preview();
    await world.stub().addLock({
      id: "lck_1",
      environment: "production",
      holder: "Ada",
      reason: "moving",
      until: null,
    });
    const promoted = id(await promote(shown.id));
    await world.run(9 * 86_400_000);
    expect((await world.deploy(promoted)).waiting?.for).toBe("lock");
    await world.stub().removeLock("lck_1", "tok_ada");
    expect((await world.ended(promoted)).status).toBe("succeeded");
  });

  it("leaves the preview's body alone when it is canceled, and can be asked for again", async () => {
    const shown = await preview();
    await world.stub().addLock({
      id: "lck_1",
      environment: null,
      holder: "Ada",
      reason: "moving",
      until: null,
    });
    await world.stub().cancel(id(await promote(shown.id)), "tok_ada");
    await world.run(60_000);
    await world.stub().removeLock("lck_1", "tok_ada");
    const again = await world.ended(id(await promote(shown.id)));
    expect(again.status).toBe("succeeded");
    const trigger = { ...again.trigger, id: newId("trg"), kind: "retry" } as const;
    const retried = await world.stub().retry(again.id, trigger, newId("dpl"));
    const deploy = retried.ok ? retried.value.deploy : null;
    expect(await world.ended(deploy?.id ?? "")).toMatchObject({
      kind: "promote",
      status: "succeeded",
      environment: "production",
      promoted_from: shown.id,
      retry_of: again.id,
    });
  });

  it("is one deploy while it waits, however often it is asked for, and keeps its approval", async () => {
    world = await World.create({
      source: "direct_upload",
      policy: { approval: { environments: ["production"], expires_hours: 1 } },
    });
    const shown = await preview();
    await world.stub().addLock(locked);
    const first = id(await promote(shown.id));
    await world.stub().approve(first, "tok_ada");
    const again = await promote(shown.id);
    expect(again).toMatchObject({ outcome: "coalesced", deploy: { id: first } });
    await world.stub().removeLock("lck_1", "tok_ada");
    expect(await world.ended(first)).toMatchObject({ status: "succeeded", approved_by: "tok_ada" });
    expect(world.created()).toHaveLength(2);
  });

  it("ends an older one that waits, and says so", async () => {
    const [one, two] = [await preview("one", "1"), await preview("two", "2")];
    await world.stub().addLock(locked);
    const older = id(await promote(one.id));
    const newer = id(await promote(two.id));
    expect(await world.deploy(older)).toMatchObject({
      status: "superseded",
      superseded_by: newer,
      reason: "Superseded by #4: a promotion, a moment later.",
    });
    await world.stub().removeLock("lck_1", "tok_ada");
    expect((await world.ended(newer)).status).toBe("succeeded");
    expect(await page(world.name)).toBe("2");
  });

  it("that is retried goes to what is the production branch by then", async () => {
    const shown = await preview();
    world.sandbox.fault({ call: "create", kind: "fail_build" });
    const failed = await world.ended(id(await promote(shown.id)));
    expect(failed.status).toBe("failed");
    await world.api("PATCH", "", { production_branch: "release" });
    await world.inside(({ context }) =>
      context.sql.run("UPDATE project SET production_branch = 'release'"),
    );
    const trigger = { ...failed.trigger, id: newId("trg"), kind: "retry" } as const;
    await world.stub().retry(failed.id, trigger, "dpl_again");
    expect(await world.ended("dpl_again")).toMatchObject({
      status: "succeeded",
      branch: "release",
      environment: "production",
      deployment: { environment: "production" },
    });
    expect(await page(world.name)).toBe("new");
  });

  it("of a body of several rows, whose branch comes last, changes nothing else", async () => {
    const request = await siteForm(world, { branch: "feature/x" });
    const form = await request.formData();
    form.delete("branch");
    form.set("_worker.bundle", new Blob([crypto.getRandomValues(new Uint8Array(60_000))]), "w");
    // Its branch stands across the end of the first row.
    const filler = (size: number): Request => {
      form.set("x_filler", "x".repeat(size));
      form.delete("branch");
      form.set("branch", "feature/x");
      return new Request(request.url, { method: "POST", body: form });
    };
    const at = new TextDecoder("latin1")
      .decode(await filler(0).arrayBuffer())
      .indexOf("\r\n\r\nfeature/x");
    const cut = filler(CHUNK_BYTES - at - 8);
    const shown = await world.ended(id(await upload(world, cut)));
    const rows = await world.inside(({ context }) =>
      context.sql.all<{ data: ArrayBuffer }>("SELECT data FROM upload_chunks ORDER BY n"),
    );
    expect(rows.map(({ data }) => new TextDecoder("latin1").decode(data))).toEqual([
      expect.stringMatching(/\r\n\r\nfeat$/),
      expect.stringMatching(/^ure\/x\r\n/),
    ]);
    const live = await world.ended(id(await promote(shown.id)));
    const [before, after] = [shown, live].map(({ deployment }) =>
      world.sandbox
        .form(deployment?.id ?? "")
        ?.parts.map(({ name, size, sha256 }) =>
          name === "branch" ? [name, size] : [name, sha256],
        ),
    );
    expect(after).toEqual(before?.map(([name, rest]) => [name, name === "branch" ? 4 : rest]));
  });

  it("that was held until Cloudflare had dropped its files ends with that reason", async () => {
    const shown = await preview();
    await world.stub().addLock(locked);
    const promoted = id(await promote(shown.id));
    await world.run(2 * 3_600_000);
    world.sandbox.fault({ call: "check-missing", kind: "expired_assets" });
    await world.stub().removeLock("lck_1", "tok_ada");
    expect(await world.ended(promoted)).toMatchObject({
      status: "failed",
      reason_code: "assets_expired",
    });
    expect(world.created()).toHaveLength(1);
  });

  it("is explained as one of production, which no quiet period holds", async () => {
    const quiet_period = { seconds: 60, max_wait_seconds: 600 };
    await world.stub().changePolicy({ quiet_period }, null);
    const supposed = {
      branch: "feature/x",
      kind: "promote",
      trigger_kind: "hook",
      at: null,
    } as const;
    expect(await world.stub().explainPolicy(supposed)).toMatchObject({
      target: "production",
      would: "start",
    });
  });

  it("finds its deployment again when the answer is lost", async () => {
    const shown = await preview();
    world.sandbox.fault({ call: "create", kind: "lost" });
    expect(await world.ended(id(await promote(shown.id)))).toMatchObject({ status: "succeeded" });
    expect(world.created()).toHaveLength(2);
  });

  it("is refused, with what to do, where it can't be", async () => {
    const production = await world.ended(id(await upload(world, await siteForm(world))));
    await expect(promote(production.id)).rejects.toThrow("conflict: #1 is of production already");
    await expect(promote("dpl_x")).rejects.toThrow("not_found");
    world.sandbox.fault({ call: "create", kind: "expired_assets" });
    const failed = await preview();
    await expect(promote(failed.id)).rejects.toThrow("conflict: #2 is failed.");
    const shown = await preview();
    await world.run(8 * 86_400_000);
    await expect(promote(shown.id)).rejects.toThrow("body_expired");
  });

  it("is not possible for what was built from git", async () => {
    world = await World.create();
    const built = await world.ended(id(await world.push({ branch: "next" })));
    await expect(promote(built.id)).rejects.toThrow(
      "not_promotable: #1 is a build from git, and Cloudflare's API can't promote its preview. Merge next into main and push that",
    );
  });
});
