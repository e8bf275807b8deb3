import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSubscriberUrl } from "../../../src/security/subscriber-url.ts";

const PUBLIC = { ownHosts: ["signalbox.acme.workers.dev", "deploys.acme.dev"], local: false };
const LOCAL = { ownHosts: ["127.0.0.1:8787"], local: true };

function verdict(url: string, rules = PUBLIC): string {
  const result = checkSubscriberUrl(url, rules);
  return result.ok ? result.value.href : result.error.code;
}

describe("on Cloudflare", () => {
  it.each([
    ["https://example.com/hook?x=1", "https://example.com/hook?x=1"],
    ["https://EXAMPLE.com:443/", "https://example.com/"],
    ["https://example.com./", "https://example.com/"],
    ["https://other.workers.dev/", "https://other.workers.dev/"],
    ["https://not-deploys.acme.dev/", "https://not-deploys.acme.dev/"],
    ["https://localhost.example.com/", "https://localhost.example.com/"],
    ["https://bücher.example/", "https://xn--bcher-kva.example/"],
  ])("takes %s", (url, href) => {
    expect(verdict(url)).toBe(href);
  });

  it.each([
    ["url_invalid", ["", "example.com", "https://", "//example.com", "https://1.2.3.4.5/"]],
    ["url_invalid", [`https://example.com/${"a".repeat(2048)}`, "https://[::1", "https://a b.c/"]],
    ["url_not_https", ["http://example.com/", "ftp://example.com/", "javascript:alert(1)"]],
    ["url_not_https", ["data:text/plain,x", "file:///etc/passwd", "http://localhost/"]],
    ["url_has_credentials", ["https://user@example.com/", "https://u:p@example.com/"]],
    ["url_has_credentials", ["https://example.com@127.0.0.1/", "https://:p@example.com/"]],
    ["url_port", ["https://example.com:8443/", "https://example.com:80/"]],
    ["url_ip_address", ["https://127.0.0.1/", "https://10.0.0.1/", "https://8.8.8.8/"]],
    ["url_ip_address", ["https://169.254.169.254/", "https://192.168.1.1./", "https://0/"]],
    ["url_ip_address", ["https://2130706433/", "https://0x7f000001/", "https://017700000001/"]],
    ["url_ip_address", ["https://127.1/", "https://0x7f.0.0.1/", "https://１２７.0.0.1/"]],
    ["url_ip_address", ["https://127。0。0。1/", "https://%31%32%37.0.0.1/"]],
    ["url_ip_address", ["https://[::1]/", "https://[::]/", "https://[fd00::1]/"]],
    ["url_ip_address", ["https://[::ffff:127.0.0.1]/", "https://[::FFFF:7F00:1]/"]],
    ["url_ip_address", ["https://[fe80::1]/", "https://[64:ff9b::7f00:1]/"]],
    ["url_private_host", ["https://localhost/", "https://LOCALHOST/", "https://localhost./"]],
    ["url_private_host", ["https://localhost../", "https://a.localhost/", "https://%6cocalhost/"]],
    ["url_private_host", ["https://printer.local/", "https://printer.LOCAL./", "https://nas/"]],
    ["url_private_host", ["https://metadata.google.internal/", "https://router.home.arpa/"]],
    ["url_private_host", ["https://example.com../", "https://a..b/"]],
    ["url_own_host", ["https://signalbox.acme.workers.dev/hooks", "https://DEPLOYS.acme.dev./"]],
    ["url_own_host", ["https://0a1b2c3d-signalbox.acme.workers.dev/"]],
  ])("%s: %j", (code, urls) => {
    expect(urls.map((url) => [url, verdict(url)])).toEqual(urls.map((url) => [url, code]));
  });

  it("says what to do, and repeats nothing of the URL", () => {
    const result = checkSubscriberUrl("https://user:hunter2@example.com/", PUBLIC);
    expect(result.ok ? "" : result.error.message).toMatch(/signature/);
    expect(JSON.stringify(result)).not.toContain("hunter2");
  });

  it("never throws, and takes only https to a name with a dot on port 443", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withFragments: true })), (text) => {
        const result = checkSubscriberUrl(text, PUBLIC);
        const origin = result.ok ? result.value.origin : "https://refused.example";
        expect(origin).toMatch(/^https:\/\/[^.:[\]]+(\.[^.:[\]]+)+$/);
      }),
    );
  });

  it("takes no IPv4 address in any spelling", () => {
    const spell = (n: number, form: number): string =>
      [String(n), `0x${n.toString(16)}`, `0${n.toString(8)}`][form] ?? "";
    const part = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.nat(2));
    fc.assert(
      fc.property(part, part, part, part, fc.nat(2), (a, b, c, d, form) => {
        const dotted = [a, b, c, d].map(([n, f]) => spell(n, f)).join(".");
        const whole = a[0] * 2 ** 24 + b[0] * 2 ** 16 + c[0] * 2 ** 8 + d[0];
        expect(verdict(`https://${dotted}/`)).toBe("url_ip_address");
        expect(verdict(`https://${spell(whole, form)}/`)).toBe("url_ip_address");
      }),
    );
  });
});

describe("on a developer's machine", () => {
  it.each([
    "http://127.0.0.1:9000/",
    "http://localhost:9000/",
    "http://[::1]:9000/",
    "http://site.localhost/",
    "https://127.0.0.1:9000/",
    "https://example.com:8443/",
  ])("takes %s", (url) => {
    expect(verdict(url, LOCAL)).toBe(url);
  });

  it.each([
    ["url_own_host", "http://127.0.0.1:8787/"],
    ["url_own_host", "http://localhost:8787/"],
    ["url_own_host", "http://[::1]:8787/"],
    ["url_not_https", "http://example.com/"],
    ["url_not_https", "http://10.0.0.1:9000/"],
    ["url_ip_address", "https://10.0.0.1/"],
    ["url_not_https", "http://localhost.example.com/"],
    ["url_has_credentials", "http://u:p@127.0.0.1:9000/"],
  ])("%s: %s", (code, url) => {
    expect(verdict(url, LOCAL)).toBe(code);
  });
});
