import { describe, expect, it } from "vitest";

import { configOf } from "../../../src/env.ts";
import { isCrossSite } from "../../../src/security/cross-site.ts";

const BINDINGS = {
  SIGNALBOX_KEYS: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE",
  CLOUDFLARE_ACCOUNT_ID: "0123456789abcdef0123456789abcdef",
  CLOUDFLARE_API_TOKEN: "token",
};
const [A, B] = ["a".repeat(64), "b".repeat(64)];
const TEAM = "https://acme.cloudflareaccess.com";

describe("the settings of Access", () => {
  it.each([
    [{}, null],
    [{ ACCESS_TEAM: "", ACCESS_AUD: " " }, null],
    [{ ACCESS_TEAM: TEAM, ACCESS_AUD: A }, [A]],
    [{ ACCESS_TEAM: "Acme.cloudflareaccess.com", ACCESS_AUD: `${A}, ${B}` }, [A, B]],
    [{ ACCESS_TEAM: `${TEAM}/`, ACCESS_AUD: `${A}\n${B}` }, [A, B]],
  ])("%j name one team and its applications, or nobody", async (settings, audience) => {
    const config = await configOf({ ...BINDINGS, ...settings });
    const access = audience && { url: TEAM, audience };
    expect(config).toMatchObject({ ok: true, value: { access } });
  });

  it.each([
    ["ACCESS_TEAM", { ACCESS_AUD: A }],
    ["ACCESS_TEAM", { ACCESS_TEAM: "acme", ACCESS_AUD: A }],
    ["ACCESS_TEAM", { ACCESS_TEAM: "http://acme.cloudflareaccess.com", ACCESS_AUD: A }],
    ["ACCESS_TEAM", { ACCESS_TEAM: `${TEAM}.evil.test`, ACCESS_AUD: A }],
    ["ACCESS_TEAM", { ACCESS_TEAM: "https://evil.test/.cloudflareaccess.com", ACCESS_AUD: A }],
    ["ACCESS_TEAM", { ACCESS_TEAM: "https://cloudflareaccess.com", ACCESS_AUD: A }],
    ["ACCESS_AUD", { ACCESS_TEAM: TEAM }],
    ["ACCESS_AUD", { ACCESS_TEAM: TEAM, ACCESS_AUD: "site" }],
    ["ACCESS_AUD", { ACCESS_TEAM: TEAM, ACCESS_AUD: `${A} ${B}b` }],
  ])("%s is told to be missing or wrong: %j", async (setting, settings) => {
    const config = await configOf({ ...BINDINGS, ...settings });
    expect(config).toEqual({
      ok: false,
      error: [{ setting, detail: expect.stringContaining("Set it to") }],
    });
  });
});

it("another origin of ours is no other site", () => {
  const own = ["https://signalbox.acme.workers.dev", "https://deploys.example"];
  const crossSite = (origin: string): boolean => isCrossSite(new Headers({ origin }), own);
  expect(own.map(crossSite)).toEqual([false, false]);
  expect(crossSite("https://www.deploys.example")).toBe(true);
});
