import { expect, test } from "vitest";
import { harness } from "./harness.ts";

test("over the limit everything of that credential is refused until the window ends", async () => {
  const it = harness({ rateLimit: { requests: 3, seconds: 60 }, email: "e", apiKey: "k" });
  const first = await it.call("GET", "/blog");
  expect(first.headers.get("ratelimit")).toBe('"default";r=2;t=60');
  expect(first.headers.get("ratelimit-policy")).toBe('"default";q=3;w=60');
  it.pass(15_000);
  await it.call("GET", "/nope");
  await it.call("GET", "/blog");
  const over = await it.call("POST", "/blog/deployments");
  expect([over.status, over.code]).toEqual([429, 10000]);
  expect(over.headers.get("retry-after")).toBe("45");
  expect(over.headers.get("ratelimit")).toBe('"default";r=0;t=45');
  const other = { "x-auth-email": "e", "x-auth-key": "k" };
  expect((await it.call("GET", "/blog", { headers: other })).status).toBe(200);
  it.pass(45_000);
  expect((await it.call("GET", "/blog")).status).toBe(200);
});

test("the default is 1,200 requests in five minutes", async () => {
  const it = harness();
  for (let index = 0; index < 1200; index += 1) {
    expect((await it.call("GET", "/blog")).status).toBe(200);
  }
  expect((await it.call("GET", "/blog")).status).toBe(429);
});
