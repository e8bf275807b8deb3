import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../docs/examples/client/client.ts";
import type { Signalbox } from "../../docs/examples/client/client.ts";
import { deployAndWait } from "../../docs/examples/client/deploy.ts";
import { subscribe } from "../../docs/examples/client/subscribe.ts";
import { watch } from "../../docs/examples/client/watch.ts";
import { DEFAULT_BRANCH } from "../../scripts/demo/github.ts";
import { until } from "../../scripts/demo/wait.ts";
import { clientTypes } from "../../scripts/lib/client-types.ts";
import { ROOT } from "../../scripts/lib/repo.ts";
import { World } from "./support/world.ts";

let world: World;
let signalbox: Signalbox;

beforeAll(async () => {
  world = await World.start();
  signalbox = connect(world.stack.info.url, world.stack.info.token);
  await world.pages.speed({ factor: 0.05 });
  await world.gitProject("typed");
});
afterAll(async () => {
  await world.stop();
});

describe("the typed client", () => {
  test("has the types of the API as it is; else: npm run client:types", async () => {
    const committed = await readFile(join(ROOT, "docs/examples/client/signalbox.d.ts"), "utf8");
    expect(committed === (await clientTypes())).toBe(true);
  });

  test("sets up a subscriber, deploys, waits for the end, and hears of it in the stream", async () => {
    const receiver = await world.receiver();
    const { secret } = await subscribe(signalbox, "typed", receiver.url);
    receiver.trust(secret);
    const deploy = await deployAndWait(signalbox, "typed", DEFAULT_BRANCH);
    expect(deploy.status).toBe("succeeded");
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { type } of watch(signalbox, "typed", 0, stop.signal)) {
      seen.push(type);
      if (type === "deploy.succeeded") {
        break;
      }
    }
    stop.abort();
    expect(seen.slice(0, 1)).toEqual(["project.registered"]);
    expect(seen).toContain("deploy.started");
    await until("the receiver to be told", () =>
      receiver.events().some(({ type }) => type === "deploy.succeeded"),
    );
  });

  test("throws a refusal with its code", async () => {
    await expect(deployAndWait(signalbox, "nothing-here", "main")).rejects.toMatchObject({
      code: "project_not_found",
    });
  });
});
