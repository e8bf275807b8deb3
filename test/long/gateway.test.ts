import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { madeFor } from "../../scripts/demo/journal.ts";
import { gated, lastLine } from "../e2e/support/gateway.ts";
import { World } from "../e2e/support/world.ts";

/** What takes the real wrangler minutes by the wall: `npm run test:long`, no part of `npm test`. */

let world: World;
beforeAll(async () => {
  world = await World.start();
  await world.pages.speed({ factor: 0.1 });
  await world.calls(16);
});
afterAll(async () => {
  await world.stop();
});

/** When wrangler gives up on an answer whose headers, or next byte, has not come. */
const PATIENCE_MS = 300_000;
/** After each create request without an answer, so long is looked for what it may have made. */
const SETTLE_MS = 120_000;

describe.concurrent("wrangler through the gateway", () => {
  test("is held for longer than it waits for a byte, and ends as its deploy does", async (context) => {
    const name = "held";
    const it = await gated(world, context, name);
    await it.lock({ until: new Date(Date.now() + PATIENCE_MS + 20_000).toISOString() });
    const began = Date.now();
    const { code, output } = await it.deploy("--branch", "main", "--commit-hash", "abc");
    const [deploy] = await world.signalbox.deploys(name);
    console.log(`held: ${told(began, code, output)}`);
    expect(Date.now() - began).toBeGreaterThan(PATIENCE_MS);
    expect(code).toBe(0);
    expect(lastLine(output)).toBe(
      `✨ Deployment complete! Take a peek over at ${deploy?.deployment?.url}`,
    );
    expect(deploy?.status).toBe("succeeded");
    expect(madeFor(await world.pages.journal(), name)).toEqual([deploy?.deployment?.id]);
  });

  test("does not notice that Cloudflare answers its create with 8000000 twice", async (context) => {
    const name = "unknown";
    const it = await gated(world, context, name);
    await world.pages.fault({ call: "create", kind: "unknown_error", times: 2, project: name });
    const began = Date.now();
    const { code, output } = await it.deploy("--branch", "main", "--commit-hash", "abc");
    const [deploy] = await world.signalbox.deploys(name);
    console.log(`8000000 twice: ${told(began, code, output)}`);
    expect(Date.now() - began).toBeGreaterThan(2 * SETTLE_MS);
    expect(code).toBe(0);
    expect(lastLine(output)).toBe(
      `✨ Deployment complete! Take a peek over at ${deploy?.deployment?.url}`,
    );
    expect(deploy).toMatchObject({ status: "succeeded", attempts: 3 });
    const journal = await world.pages.journal();
    expect(madeFor(journal, name)).toEqual([deploy?.deployment?.id]);
    const creates = journal.requests.filter(
      ({ method, project, path }) =>
        method === "POST" && project === name && path.endsWith("/deployments"),
    );
    expect(creates.map(({ status }) => status)).toEqual([500, 500, 200]);
  });
});

function told(began: number, code: number | null, output: string): string {
  const seconds = Math.round((Date.now() - began) / 1_000);
  return `exit ${code} after ${seconds} s, "${lastLine(output)}"`;
}
