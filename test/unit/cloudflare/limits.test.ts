import { describe, expect, it } from "vitest";

import { fewLeft } from "../../../src/cloudflare/client.ts";

const few = (ratelimit: string, policy?: string): ReturnType<typeof fewLeft> =>
  fewLeft(new Headers({ ratelimit, ...(policy !== undefined && { "ratelimit-policy": policy }) }));

describe("what Cloudflare says of its limit", () => {
  it("counts where a tenth of it or less is left", () => {
    const policy = '"default";q=1200;w=300';
    expect(few('"default";r=120;t=30', policy)).toEqual({ calls: 120, forMs: 30_000 });
    expect(few('"default";r=121;t=30', policy)).toBeNull();
    expect(few('"default";r=0;t=30')).toEqual({ calls: 0, forMs: 30_000 });
    expect(few('"default"; r=50; t=30')).toEqual({ calls: 50, forMs: 30_000 });
  });

  it("is the least of several, each against its own quota", () => {
    const policy = '"burst";q=100;w=60, "default";q=1200;w=300';
    expect(few('"burst";r=90;t=30, "default";r=100;t=200', policy)?.calls).toBe(100);
    expect(few('"burst";r=9;t=30, "default";r=100;t=200', policy)).toEqual({
      calls: 9,
      forMs: 30_000,
    });
  });

  it.each([
    "",
    "50",
    '"default"',
    '"default";r=5',
    '"default";r=x;t=1',
    '"default";r=1.5;t=1',
    '"d;r=1;t=1',
  ])("is nothing where it can't be read: %j", (header) => {
    expect(few(header)).toBeNull();
    expect(few(header, header)).toBeNull();
  });
});
