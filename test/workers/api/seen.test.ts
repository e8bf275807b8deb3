import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { World } from "../support/world.ts";
import { Edge, expectProblem, leave, ORIGIN } from "./edge.ts";

let edge: Edge;
beforeEach(async () => {
  edge = await Edge.create();
});
afterEach(leave);

async function shown(url: string): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await exports.default.fetch(new Request(url));
  return { status: response.status, text: await response.text(), headers: response.headers };
}

const says = (svg: string): string => /aria-label="deploy: ([^"]+)"/.exec(svg)?.[1] ?? "";

describe("the badge", () => {
  it("is there for those who have its address, once somebody wants it, until nobody does", async () => {
    expectProblem(await edge.on("GET", "/badge"), 404, "badge_not_found");
    const made = await edge.on("POST", "/badge");
    expect(made.status).toBe(201);
    const { url, markdown } = made.body as { url: string; markdown: string };
    expect(markdown).toBe(`![${edge.world.name}](${url})`);
    expect((await edge.on("GET", "/badge")).body.url).toBe(url);
    const { status, text, headers } = await shown(url);
    expect([status, says(text)]).toEqual([200, "not deployed"]);
    expect(headers.get("content-type")).toBe("image/svg+xml");
    expect(headers.get("cache-control")).toBe("public, max-age=30");
    const again = await edge.on("POST", "/badge");
    expect((await shown(url)).status).toBe(404);
    expect((await edge.on("DELETE", "/badge")).status).toBe(204);
    expect((await shown(again.body.url as string)).status).toBe(404);
  });

  it("says how production and each branch are: never, running, live, failed", async () => {
    const { url } = (await edge.on("POST", "/badge")).body as { url: string };
    const now = async (query = ""): Promise<string> => says((await shown(url + query)).text);
    const { world } = edge;
    const first = await world.push();
    await world.run(60_000, async () => world.created().length === 1);
    expect(await now()).toBe("deploying");
    await world.ended(first.deploy?.id ?? "");
    expect([await now(), await now("?branch=main")]).toEqual(["live", "live"]);
    expect(await now("?branch=next")).toBe("not deployed");
    world.sandbox.fault({ call: "create", kind: "fail_build" });
    const second = await world.push();
    await world.ended(second.deploy?.id ?? "");
    expect(await now()).toBe("failed");
    const canceled = await edge.on("POST", "/deploys", { json: { branch: "next" } });
    await edge.on("POST", `/deploys/${canceled.body.deploy.id}/cancel`);
    expect(await now("?branch=next")).toBe("not deployed");
    expect((await shown(`${url}?branch=${"x".repeat(300)}`)).status).toBe(400);
  });

  it("is nobody's by a forged address, nor by that of another project", async () => {
    const { url } = (await edge.on("POST", "/badge")).body as { url: string };
    const other = await World.create();
    const before = await edge.trace();
    for (const forged of [
      url.replace(`/${edge.world.name}/`, `/${other.name}/`),
      url.replace(/.\.svg$/, "!.svg"),
      `${ORIGIN}/badges/${edge.world.name}/x.svg`,
      `${ORIGIN}/badges/${edge.world.name}/${"A".repeat(12)}.000000.${"A".repeat(24)}.svg`,
      `${ORIGIN}/badges/no.such/x.svg`,
    ]) {
      expect((await shown(forged)).status).toBe(404);
    }
    expect(await edge.trace()).toEqual(before);
  });
});

describe("the numbers and metrics", () => {
  it("of a project, from what was really deployed", async () => {
    const { deploy } = await edge.world.push();
    await edge.world.ended(deploy?.id ?? "");
    const { status, body } = await edge.on("GET", "/numbers?days=7");
    expect(status).toBe(200);
    expect(body).toMatchObject({ days: 7, deploys: 1, frequency: 1 / 7, failed_rate: 0 });
    expect(body.lead_time.p50).toBeGreaterThan(0);
    expect(body.stages.map(({ name }: { name: string }) => name)).toContain("build");
    expectProblem(await edge.on("GET", "/numbers?days=91"), 400, "query_invalid");
  });

  it("of all projects, for Prometheus", async () => {
    const { deploy } = await edge.world.push();
    await edge.world.ended(deploy?.id ?? "");
    await edge.world.push({ branch: "next" });
    const { status, text, headers } = await edge
      .instanceToken("read")
      .then(({ token }) =>
        exports.default.fetch(
          new Request(`${ORIGIN}/metrics`, { headers: { authorization: `Bearer ${token}` } }),
        ),
      )
      .then(async (r) => ({ status: r.status, text: await r.text(), headers: r.headers }));
    expect([status, headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    const { name } = edge.world;
    expect(text).toContain(
      `signalbox_deploys_ended_24h{project="${name}",environment="production",status="succeeded"} 1\n`,
    );
    expect(text).toMatch(new RegExp(`^signalbox_deploy_wait_seconds\\{project="${name}",`, "m"));
    expect(text).toMatch(/^signalbox_budget_permits\{owner="configured"\} \d/m);
    for (const line of text.trimEnd().split("\n")) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) signalbox_\w+ .+|signalbox_\w+(\{(\w+="[^"\n]*",?)+\})? -?[\d.e+-]+)$/,
      );
    }
    const { token } = await edge.projectToken("manage");
    expectProblem(await edge.on("GET", "/badge", { token }), 404, "badge_not_found");
    expect((await shown(`${ORIGIN}/version`)).text).toMatch(/^\{"version":"\d+\.\d+\.\d+"\}$/);
  });
});
