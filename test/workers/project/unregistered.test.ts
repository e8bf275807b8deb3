import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";

it("a project that nobody registered answers as one that there is not, and keeps nothing", async () => {
  const stub = env.PROJECT.getByName(`${"9".repeat(32)}/nobody`);
  expect(await stub.view()).toBeNull();
  expect(await stub.cancel("dpl_0", null)).toMatchObject({
    ok: false,
    error: { code: "project_not_found" },
  });
  expect(
    await stub.addLock({ id: "lck_0", environment: null, holder: "a", reason: "b", until: null }),
  ).toBeNull();
  expect(await stub.wake()).toBe(0);
  const kept = await runInDurableObject(stub, async (_, state) => ({
    tables: state.storage.sql
      .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'")
      .toArray(),
    alarm: await state.storage.getAlarm(),
  }));
  expect(kept).toEqual({ tables: [], alarm: null });
  expect(await stub.remove()).toBe(false);
});
