import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Edge, leave } from "../api/edge.ts";
import { Visit, words } from "./visit.ts";

let edge: Edge;
let visit: Visit;
beforeEach(async () => {
  edge = await Edge.create();
  visit = new Visit();
  await visit.signIn(edge.token);
  await forget();
});
/** The instance is the same in all tests, those of other files too. */
afterEach(async () => {
  await forget();
  leave();
});

async function forget(): Promise<void> {
  for (const { id } of await rules()) {
    await edge.send("DELETE", `/v1/access/${id}`);
  }
}

async function rules(): Promise<{ id: string }[]> {
  return (await edge.send("GET", "/v1/access")).body.items as { id: string }[];
}
const said = async (): Promise<string> => words((await visit.get("/access")).text);

describe("access rules", () => {
  it("are added by form for an address, a domain and a service token", async () => {
    expect(await said()).toContain("No rule lets anybody in yet.");
    await visit.post("/access", { who: "email", name: "Ada@Example.com", scope: "manage" });
    const domain = { who: "email_domain", name: "example.com", scope: "read" };
    await visit.post("/access", { ...domain, description: "Us <b>all" });
    const service = { who: "service_token", name: "1f2e.access", scope: "deploy" };
    await visit.post("/access", { ...service, project: edge.world.name });
    const page = await said();
    expect(page).toContain("The rule counts from now on.");
    expect(page).toContain("ada@example.com: manage, in all projects and the instance itself");
    expect(page).toMatch(/@example\.com: read, .+?Us &lt;b&gt;all, made/);
    expect(page).toContain(`1f2e.access (service token): deploy, in ${edge.world.name}`);
    expect(await rules()).toHaveLength(3);
  });

  it("that are refused say why in place, and what was written stays", async () => {
    const wrong = await visit.post("/access", {
      who: "email_domain",
      name: "no domain <b>",
      scope: "deploy",
      project: edge.world.name,
      description: "Ours",
    });
    expect(wrong.status).toBe(422);
    expect(words(wrong.text)).toContain("must be a domain");
    expect(wrong.text).toContain('value="no domain &lt;b&gt;"');
    expect(wrong.text).toContain('value="Ours"');
    for (const chosen of ["email_domain", "deploy", edge.world.name]) {
      expect(wrong.text).toContain(`<option value="${chosen}" selected="">`);
    }
    const gone = await visit.post("/access", {
      who: "email",
      name: "ada@example.com",
      scope: "read",
      project: "not-registered",
    });
    expect(words(gone.text)).toContain("No project not-registered is registered here.");
    expect(await rules()).toEqual([]);
  });

  it("are taken away after a question that says what that means", async () => {
    await visit.post("/access", { who: "email", name: "ada@example.com", scope: "manage" });
    const [rule] = await rules();
    const remove = `/access/${rule?.id}/remove`;
    const asked = words((await visit.get(remove)).text);
    expect(asked).toContain("Take this rule away?");
    expect(asked).toContain("ada@example.com");
    expect(asked).toContain("manage, in all projects and the instance itself");
    await visit.post(remove);
    expect(await said()).toContain("The rule is taken away.");
    expect(await rules()).toEqual([]);
    expect((await visit.get(remove)).status).toBe(404);
    await visit.post(remove);
    expect(await said()).toContain("Not taken away: There is no such access rule here.");
  });

  it("are for those who manage the instance", async () => {
    const reader = new Visit();
    await reader.signIn((await edge.instanceToken("deploy")).token);
    expect((await reader.get("/access")).status).toBe(403);
    await reader.post("/access", { who: "email", name: "eve@example.com", scope: "manage" });
    expect(await rules()).toEqual([]);
    expect((await reader.get("/")).text).not.toContain('href="/access"');
  });
});
