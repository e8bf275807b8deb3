import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, leave } from "../api/edge.ts";
import { Visit, words, type Page } from "./visit.ts";

let edge: Edge;
let visit: Visit;
let path: string;
beforeEach(async () => {
  edge = await Edge.create();
  visit = new Visit();
  await visit.signIn(edge.token);
  path = `/projects/${edge.world.name}`;
});
afterEach(leave);

describe("a project's badge", () => {
  const shown = async (page: Page): Promise<[string, number]> => {
    const [, src = ""] = /<img src="([^"]+)"/.exec(page.text) ?? [];
    const url = new URL(src.replaceAll("&amp;", "&"), "https://signalbox.test");
    return [url.href, (await exports.default.fetch(new Request(url))).status];
  };

  it("is made, shown with what to paste, given a new address and taken away", async () => {
    const own = `${path}/badge`;
    expect(words((await visit.get(own)).text)).toContain("A badge is a small picture for a README");
    expect((await visit.post(own)).headers.get("location")).toBe(own);
    const page = await visit.get(own);
    expect(words(page.text)).toContain("The badge is there.");
    const [first, status] = await shown(page);
    expect(status).toBe(200);
    const { url } = (await edge.on("GET", "/badge")).body as { url: string };
    expect(first).toBe(url);
    expect(page.text).toContain(`[![Deploys of ${edge.world.name}](${url})](https://`);
    expect(page.text).toContain(`&lt;img src=&quot;${url}&quot;`);
    expect(words((await visit.get(`${own}/renew`)).text)).toContain(
      "Give the badge a new address?",
    );
    await visit.post(`${own}/renew`);
    const [second] = await shown(await visit.get(own));
    expect(second).not.toBe(first);
    expect((await exports.default.fetch(new Request(first))).status).toBe(404);
    await visit.post(`${own}/remove`);
    expect(words((await visit.get(own)).text)).toContain("The badge is taken away.");
    expect((await edge.on("GET", "/badge")).status).toBe(404);
    expect((await visit.get(`${own}/nothing`)).status).toBe(404);
  });

  it("is that of a branch, whose name can't break out of what is pasted", async () => {
    await edge.on("POST", "/badge");
    const branch = 'a)"<b>&x';
    const page = await visit.get(`${path}/badge?branch=${encodeURIComponent(branch)}`);
    expect((await shown(page))[1]).toBe(200);
    const query = "?branch=a%29%22%3Cb%3E%26x";
    expect(page.text).toContain(`.svg${query})](https://`);
    expect(page.text).not.toContain("<b>");
    const wrong = await visit.get(`${path}/badge?branch=${"x".repeat(300)}`);
    expect(wrong.status).toBe(422);
    expect(words(wrong.text)).toContain("No branch can be called this.");
    expect((await shown(wrong))[1]).toBe(200);
  });

  it("is seen by who reads, and changed by who manages", async () => {
    const reader = new Visit();
    await reader.signIn((await edge.instanceToken("deploy")).token);
    expect(words((await reader.get(`${path}/badge`)).text)).toContain(
      "This takes the scope manage.",
    );
    await reader.post(`${path}/badge`);
    expect((await edge.on("GET", "/badge")).status).toBe(404);
  });
});
