import { afterEach, describe, expect, it, vi } from "vitest";

import { siteForm, upload } from "../support/form.ts";
import { World } from "../support/world.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const id = (accepted: { deploy: { id: string } | null }): string => accepted.deploy?.id ?? "";

describe("order", () => {
  it("never lets an old deploy of mode all, released late, go live over a newer one", async () => {
    const world = await World.create({ policy: { mode: "all" } });
    world.sandbox.fault({ call: "list", kind: "html" });
    const older = await world.push();
    await world.run(100);
    expect((await world.deploy(id(older))).waiting?.for).toBe("retry");
    const newer = await world.push();
    expect((await world.ended(id(newer))).status).toBe("succeeded");
    expect(await world.ended(id(older))).toMatchObject({
      status: "superseded",
      reason_code: "newer_went_first",
      superseded_by: id(newer),
    });
    expect(world.created()).toHaveLength(1);
  });

  it("runs every deploy of mode all, in order", async () => {
    const world = await World.create({ policy: { mode: "all" } });
    const accepted = [await world.push(), await world.push(), await world.push()];
    for (const one of accepted) {
      expect((await world.ended(id(one))).status).toBe("succeeded");
    }
    expect(world.created()).toHaveLength(3);
    const last = await world.deploy(accepted.at(-1)?.deploy?.id ?? "");
    expect(world.live()).toBe(last.deployment?.id);
  });

  it("gives a slow upload the number of its first byte, and lets a newer push win", async () => {
    const world = await World.create();
    const request = await siteForm(world);
    const bytes = new Uint8Array(await request.arrayBuffer());
    const slow = new TransformStream<Uint8Array, Uint8Array>();
    const writer = slow.writable.getWriter();
    const receiving = world
      .stub()
      .receive("upl_slow", request.headers.get("content-type") ?? "", slow.readable);
    await writer.write(bytes.slice(0, 10));
    await vi.waitUntil(async () => world.points.includes("upload.opened"));
    const push = await world.push();
    await world.run(2_000);
    await writer.write(bytes.slice(10));
    await writer.close();
    expect(await receiving).toEqual({ ok: true, value: { bytes: bytes.byteLength } });
    const late = await world.accept({
      kind: "upload",
      branch: "main",
      form: { branch: "main" },
      upload: { id: "upl_slow", bytes: bytes.byteLength, parts: [], hashes: [] },
    });
    expect(late).toMatchObject({
      outcome: "superseded",
      reason_code: "newer_went_first",
      deploy: { number: 1, superseded_by: id(push) },
    });
    expect((await world.ended(id(push))).status).toBe("succeeded");
    expect(world.created()).toHaveLength(1);
    await world.run(1_000);
    expect(await uploadRows(world)).toEqual({ uploads: 0, chunks: 0 });
  });

  it("runs previews one at a time with production, and each target keeps its newest", async () => {
    const world = await World.create();
    const branches = ["main", "a", "b", "a", "main", "b", "a"];
    const accepted = [];
    for (const branch of branches) {
      accepted.push(await world.push({ branch }));
    }
    for (const one of accepted) {
      await world.ended(id(one));
    }
    const statuses = await Promise.all(
      accepted.map(async (a) => (await world.deploy(id(a))).status),
    );
    expect(statuses.filter((s) => s === "succeeded")).toHaveLength(3);
    expect(statuses.slice(4)).toEqual(["succeeded", "succeeded", "succeeded"]);
    expect(inFlightAtOnce(world)).toBe(1);
  });

  it("runs each target in a lane of its own when the policy says so", async () => {
    const world = await World.create({ policy: { lane: "target" } });
    const accepted = [await world.push({ branch: "a" }), await world.push({ branch: "b" })];
    for (const one of accepted) {
      expect((await world.ended(id(one))).status).toBe("succeeded");
    }
    expect(inFlightAtOnce(world)).toBe(2);
  });
});

describe("a call that is repeated", () => {
  it("is answered as the first one was, and makes nothing more", async () => {
    const world = await World.create();
    const trigger = {
      id: "trg_twice",
      kind: "api",
      source: "api",
      actor: null,
      delivery_id: null,
    } as const;
    const first = await world.accept({ trigger, deploy_id: "dpl_twice" });
    const again = await world.accept({ trigger, deploy_id: "dpl_twice" });
    expect(again).toEqual({ ...first, replayed: true });
    expect((await world.events()).filter((e) => e.type === "deploy.queued")).toHaveLength(1);
  });
});

describe("an upload", () => {
  it("is submitted byte for byte and goes live", async () => {
    const world = await World.create({ source: "direct_upload" });
    const request = await siteForm(world, { files: { "/index.html": "<h1>one</h1>" } });
    const accepted = await upload(world, request.clone());
    expect(accepted).toMatchObject({ outcome: "queued", deploy: { kind: "upload" } });
    const deploy = await world.ended(id(accepted));
    expect(deploy).toMatchObject({ status: "succeeded", environment: "production" });
    const stored = world.sandbox.form(deploy.deployment?.id ?? "");
    expect(stored?.body_sha256).toBe(await sha256(await request.arrayBuffer()));
    expect(stored?.content_type).toBe(request.headers.get("content-type"));
  });

  it("joins a waiting one of equal content, and drops the second body", async () => {
    const world = await World.create({ source: "direct_upload" });
    await upload(world, await siteForm(world, { branch: "x" }));
    await world.run(100);
    const request = await siteForm(world);
    const first = await upload(world, request.clone());
    const second = await upload(world, request);
    expect(second).toMatchObject({ outcome: "coalesced", deploy: { id: id(first) } });
    expect((await uploadRows(world)).uploads).toBe(2);
  });

  it("joins none that has started, however equal", async () => {
    const world = await World.create({ source: "direct_upload" });
    const request = await siteForm(world);
    const first = await upload(world, request.clone());
    await world.run(5_000, async () => (await world.deploy(id(first))).status !== "queued");
    const second = await upload(world, request);
    expect(second.outcome).toBe("queued");
    expect((await world.ended(id(second))).status).toBe("succeeded");
    expect(world.created()).toHaveLength(2);
  });

  it("is refused when what was stored is not what passed", async () => {
    const world = await World.create({ source: "direct_upload" });
    await world
      .stub()
      .receive("upl_x", "multipart/form-data; boundary=x", new Blob(["abc"]).stream());
    await expect(
      world.accept({
        kind: "upload",
        upload: { id: "upl_x", bytes: 4, parts: [], hashes: [] },
      }),
    ).rejects.toThrow("upload_incomplete");
    await world.run(300_000);
    expect(await uploadRows(world)).toEqual({ uploads: 0, chunks: 0 });
  });

  it("is swept when its sender is gone half-way", async () => {
    const world = await World.create({ source: "direct_upload" });
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(2_500_000));
      },
      pull(controller) {
        controller.error(new Error("gone"));
      },
    });
    expect(
      await world.stub().receive("upl_b", "multipart/form-data; boundary=x", broken),
    ).toMatchObject({
      ok: false,
      error: { code: "upload_incomplete" },
    });
    expect(await uploadRows(world)).toEqual({ uploads: 0, chunks: 0 });
  });

  it("keeps its body for a retry by a person, and deletes it a week after the end", async () => {
    const world = await World.create({ source: "direct_upload" });
    world.sandbox.fault({ call: "create", kind: "fail_build" });
    const accepted = await upload(world, await siteForm(world));
    expect((await world.ended(id(accepted))).status).toBe("failed");
    const trigger = {
      id: "trg_r",
      kind: "retry",
      source: "api",
      actor: null,
      delivery_id: null,
    } as const;
    const retried = await world.stub().retry(id(accepted), trigger, "dpl_retry");
    expect(retried).toMatchObject({
      ok: true,
      value: { deploy: { retry_of: id(accepted), number: 2 } },
    });
    expect((await world.ended("dpl_retry")).status).toBe("succeeded");
    await world.run(8 * 86_400_000);
    expect(await uploadRows(world)).toEqual({ uploads: 0, chunks: 0 });
    expect(
      await world.stub().retry(id(accepted), { ...trigger, id: "trg_s" }, "dpl_s"),
    ).toMatchObject({
      ok: false,
      error: { code: "body_expired" },
    });
  });

  it("that waited over an hour is checked for its assets first", async () => {
    const world = await World.create({ source: "direct_upload" });
    world.sandbox.fault({ call: "create", kind: "rate_limited", retry_after: 4_000 });
    const accepted = await upload(world, await siteForm(world));
    await world.run(10_000);
    world.sandbox.fault({ call: "check-missing", kind: "expired_assets" });
    expect(await world.ended(id(accepted))).toMatchObject({
      status: "failed",
      reason_code: "assets_expired",
    });
    expect(world.created()).toHaveLength(0);
  });
});

async function uploadRows(world: World): Promise<{ uploads: number; chunks: number }> {
  return world.inside(({ context }) => {
    const count = (table: string): number =>
      context.sql.one<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`)?.n ?? -1;
    return { uploads: count("uploads"), chunks: count("upload_chunks") };
  });
}

/** The most deployments that were under way at once, by the sandbox's own transitions. */
function inFlightAtOnce(world: World): number {
  const { transitions } = world.sandbox.journal();
  const open = new Set<string>();
  let most = 0;
  for (const { deployment, stage, stage_status: status } of transitions) {
    const ended =
      ["failure", "canceled", "skipped"].includes(status) ||
      (stage === "deploy" && status === "success");
    if (ended) {
      open.delete(deployment);
    } else {
      open.add(deployment);
    }
    most = Math.max(most, open.size);
  }
  return most;
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((b) => b.toString(16).padStart(2, "0")).join("");
}

describe("stored bodies", () => {
  it("are kept for a retry up to a bound, the newest first", async () => {
    const world = await World.create({ source: "direct_upload" });
    for (let i = 0; i < 3; i++) {
      const accepted = await upload(world, await siteForm(world));
      await world.ended(id(accepted));
      // As if each had been 100 MB.
      await world.inside(({ context }) =>
        context.sql.run("UPDATE uploads SET bytes = 104857600 WHERE state = 'sealed'"),
      );
      world.pass(1_000);
    }
    const last = await upload(world, await siteForm(world));
    await world.ended(id(last));
    await world.run(1_000);
    expect((await uploadRows(world)).uploads).toBe(3);
  });

  it("count towards the 500 MB only while they wait", async () => {
    const world = await World.create({ source: "direct_upload" });
    await world.ended(id(await upload(world, await siteForm(world))));
    await world.inside(({ context }) =>
      context.sql.run("UPDATE uploads SET bytes = 600000000 WHERE state = 'sealed'"),
    );
    const accepted = await upload(world, await siteForm(world));
    await world.inside(({ context }) =>
      context.sql.run("UPDATE uploads SET bytes = 600000000 WHERE due_at IS NULL"),
    );
    expect(accepted.outcome).toBe("queued");
    await expect(upload(world, await siteForm(world))).rejects.toThrow("too_much_waiting");
  });
});
