import { env } from "cloudflare:workers";
import { expect, it } from "vitest";

import { instanceOf } from "../../../src/objects.ts";
import { KEEP_DEPLOYS_MS } from "../../../src/project/sweep.ts";
import { runWatchdog } from "../../../src/watchdog.ts";
import { World } from "../support/world.ts";

const DAY_MS = 86_400_000;

interface Past {
  readonly from: number;
  readonly to: number;
  readonly target: string;
  readonly age_ms: number;
}

/** Deploys of the past, as rows. */
async function remember(world: World, ...past: readonly Past[]): Promise<void> {
  await world.inside(({ context: { sql } }) => {
    for (const { from, to, target, age_ms: age } of past) {
      sql.run(
        `INSERT INTO deploys (id, number, kind, status, trigger_id, trigger_kind, trigger_source, branch, environment, target,
           form, deployment_id, created_at, ended_at)
         WITH RECURSIVE past (n) AS (SELECT CAST(? AS INTEGER) UNION ALL SELECT n + 1 FROM past WHERE n < ?)
         SELECT 'dpl_' || n, n, 'build', 'succeeded', 'trg_' || n, 'hook', 'github', 'main', 'preview', ?, '{}', 'dep_' || n, ?, ?
         FROM past`,
        from,
        to,
        target,
        world.now() - age,
        world.now() - age,
      );
      sql.run("INSERT OR REPLACE INTO marks (target, number) VALUES (?, ?)", target, to);
      sql.run("UPDATE project SET next_number = ?", to + 1);
    }
  });
}

/** A day passes, and with it the sweep. */
async function aDay(world: World): Promise<void> {
  await world.run(DAY_MS + 60_000);
}

async function numbers(world: World): Promise<number[]> {
  return world.inside(({ context: { sql } }) =>
    sql.all<{ number: number }>("SELECT number FROM deploys ORDER BY number").map((d) => d.number),
  );
}

async function targets(world: World): Promise<string[]> {
  return world.inside(({ context: { sql } }) =>
    sql.all<{ target: string }>("SELECT target FROM marks ORDER BY target").map((m) => m.target),
  );
}

it("deploys go when they are old, but for the newest thousand", async () => {
  const world = await World.create();
  await remember(
    world,
    { from: 1, to: 40, target: "preview/gone", age_ms: KEEP_DEPLOYS_MS + DAY_MS },
    { from: 41, to: 80, target: "preview/kept", age_ms: KEEP_DEPLOYS_MS + DAY_MS },
    { from: 81, to: 1_050, target: "preview/young", age_ms: DAY_MS },
  );
  await aDay(world);
  expect((await numbers(world))[0]).toBe(51);
  expect(await targets(world)).toEqual(["preview/kept", "preview/young"]);
});

it("what is live stays, what production may go back to, and what has not ended", async () => {
  const world = await World.create();
  await remember(
    world,
    { from: 1, to: 100, target: "production", age_ms: 2 * KEEP_DEPLOYS_MS },
    { from: 101, to: 1_200, target: "preview/beta", age_ms: DAY_MS },
  );
  await world.inside(({ context: { sql } }) => {
    sql.run("UPDATE project SET live_deploy_id = 'dpl_7'");
    sql.run(
      "UPDATE deploys SET ended_at = NULL, status = 'queued', not_before = ? WHERE number = 9",
      world.now() * 2,
    );
  });
  await aDay(world);
  const production = (await numbers(world)).filter((number) => number <= 100);
  expect(production).toEqual([7, 9, ...Array.from({ length: 25 }, (_, n) => 76 + n)]);
});

it("there are never more than a hundred thousand, and a sweep takes a part at a time", async () => {
  const world = await World.create();
  await remember(
    world,
    { from: 1, to: 6_000, target: "preview/beta", age_ms: DAY_MS },
    { from: 105_990, to: 106_000, target: "preview/beta", age_ms: DAY_MS },
  );
  await aDay(world);
  expect((await numbers(world))[0]).toBe(5_001);
  await aDay(world);
  expect((await numbers(world))[0]).toBe(105_990);
});

it("tokens go a month after they were good for the last time, of the instance too", async () => {
  const world = await World.create();
  const token = (id: string, expires: number | null) => ({
    id,
    hash: id,
    key_id: "key",
    scopes: ["read"] as const,
    description: null,
    expires_at: expires,
  });
  const ids = async () => [
    (await world.stub().tokens()).map(({ id }) => id),
    (await instanceOf(env).listTokens()).map(({ id }) => id).filter((id) => id.startsWith("tok_r")),
  ];
  for (const place of [world.stub(), instanceOf(env)]) {
    await place.addToken(token("tok_r_revoked", null));
    await place.addToken(token("tok_r_expired", world.now() + DAY_MS));
    await place.addToken(token("tok_r_short", world.now() + 3_000_000));
    await place.addToken(token("tok_r_good", null));
    await place.revokeToken("tok_r_revoked", false);
  }
  await world.run(25 * DAY_MS);
  await runWatchdog(env);
  const kept = ["tok_r_expired", "tok_r_good", "tok_r_revoked"];
  expect(await ids()).toEqual([kept, kept]);
  await world.run(10 * DAY_MS);
  await runWatchdog(env);
  expect(await ids()).toEqual([["tok_r_good"], ["tok_r_good"]]);
  await instanceOf(env).revokeToken("tok_r_good", false);
});
