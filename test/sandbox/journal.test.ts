import { expect, test } from "vitest";
import { readJournal, recordTransition } from "../../sandbox/journal.ts";
import { memoryStore } from "../../sandbox/store.ts";
import { table } from "../../sandbox/world.ts";
import { harness } from "./harness.ts";
import type { World } from "../../sandbox/world.ts";

test("the journal tells each call apart: who, what, how it ended, and the body's hash", async () => {
  const it = harness();
  await it.call("POST", "", { body: '{"name":"x"}' });
  await it.call("GET", "/blog/deployments?env=preview");
  await it.call("DELETE", "/blog/deployments/some-id?force=true");
  const path = `/client/v4/accounts/${it.sandbox.accountId}/pages/projects`;
  const common = { at: "2026-11-24T09:00:00.000000Z", ms: 0, fault: null };
  expect(it.sandbox.journal().requests).toEqual([
    {
      ...common,
      method: "POST",
      path,
      project: null,
      deployment: null,
      status: 200,
      body_sha256: "0229d37e33daae149bf40543a5ce1db4459d10f830d5139279aa2bfd5f6485a1",
    },
    {
      ...common,
      method: "GET",
      path: `${path}/blog/deployments?env=preview`,
      project: "blog",
      deployment: null,
      status: 200,
      body_sha256: null,
    },
    {
      ...common,
      method: "DELETE",
      path: `${path}/blog/deployments/some-id?force=true`,
      project: "blog",
      deployment: "some-id",
      status: 404,
      body_sha256: null,
    },
  ]);
});

test("the journal keeps the newest 50,000 entries of a kind", () => {
  const store = memoryStore();
  const world = { store, meta: table(store, "meta") } as World;
  for (let at = 0; at < 50_010; at += 1) {
    recordTransition(world, { at, project: "p", deployment: "d", stage: "s", stage_status: "t" });
  }
  const { transitions } = readJournal(world);
  expect(transitions).toHaveLength(50_000);
  expect(transitions[0]?.at).toBe("1970-01-01T00:00:00.010000Z");
  expect(transitions.at(-1)?.at).toBe("1970-01-01T00:00:50.009000Z");
});
