import { env } from "cloudflare:workers";
import { afterAll } from "vitest";

import { instanceOf } from "../../../src/objects.ts";

/**
 * After each test file: its projects are nobody's any more, or every watchdog of the files that follow would wake them all; and
 * accounts that it stored would be shown in theirs.
 */
afterAll(async () => {
  const instance = instanceOf(env);
  for (let some = await instance.projects("", 200); some.length > 0;) {
    await Promise.all(some.map(({ key }) => instance.unregister(key)));
    some = await instance.projects("", 200);
  }
  await Promise.all((await instance.accounts()).map(({ id }) => instance.removeAccount(id)));
});
