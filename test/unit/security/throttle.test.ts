import { describe, expect, it } from "vitest";

import { isTooMuch, network } from "../../../src/security/throttle.ts";

describe("an address", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["2001:db8:1:2::", "2001:db8:1:2"],
  ])("%s counts as %s", (address, counted) => {
    expect(network(address)).toBe(counted);
  });
});

describe("a request", () => {
  const from = (address?: string): Request =>
    new Request("https://signalbox.test/", {
      headers: address === undefined ? {} : { "cf-connecting-ip": address },
    });

  it("is too much when its address has come too often", async () => {
    const keys: string[] = [];
    const limit: RateLimit = {
      limit: ({ key }) => Promise.resolve({ success: keys.push(key) < 2 }),
    };
    expect(await isTooMuch(limit, from("2001:db8:1:2::1"))).toBe(false);
    expect(await isTooMuch(limit, from("2001:db8:1:2::2"))).toBe(true);
    expect(keys).toEqual(["2001:db8:1:2", "2001:db8:1:2"]);
  });

  it("is never too much without a limit, or from nowhere", async () => {
    const never: RateLimit = { limit: () => Promise.reject(new Error("asked")) };
    expect(await isTooMuch(undefined, from("203.0.113.7"))).toBe(false);
    expect(await isTooMuch(never, from())).toBe(false);
  });
});
