import { DEFAULT_BRANCH, deliver, pushOf } from "../../../scripts/demo/github.ts";
import { until } from "../../../scripts/demo/wait.ts";
import type { Receiver } from "../../../scripts/demo/receiver.ts";
import type { Deploy } from "../../../src/project/shapes.ts";
import { fillHistory } from "../../e2e/support/history.ts";
import { newCommit, type Hook, type World } from "../../e2e/support/world.ts";

const HOUR_MS = 3_600_000;
const LONG = "the-quarterly-report-of-the-southern-region-with-all-pages";
const PEOPLE = "Wilhelmina-Charlotte-von-Hohenlohe-Waldenburg-Schillingsfuerst";
const LONG_BRANCH = `feature/${"a-branch-that-somebody-named-in-one-sitting-".repeat(4)}end`;
const LONG_MESSAGE = `Rewrite ${"everythingthatwaswritteninoneword".repeat(5)} and say why\n\n${"A second line that goes on. ".repeat(12)}`;

/** Where to look, once there is something of everything. */
export interface Seeded {
  readonly failed: string;
  readonly held: string;
  readonly refused: string;
  readonly hook: string;
  readonly failing: string;
  /** A page of the history of 10,000. */
  readonly archived: string;
  readonly story: {
    readonly project: string;
    readonly running: string;
    readonly superseded: string;
    readonly older: string;
    readonly hostile: string;
  };
}

/** Something of everything, through the doors, but for a long past. Projects stay as they are: what runs, runs for long. */
export async function seed(world: World): Promise<Seeded> {
  const { signalbox, pages, stack } = world;
  await pages.speed({ factor: 0.02 });
  const names = ["storefront", "archive", "checkout", "docs", "evenings", "locked", "late", LONG];
  const projects = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await world.gitProject(name)] as const)),
  );
  await pages.addProject({ name: "newsletter", production_branch: "main", source: "acme/news" });
  await signalbox.ask("PUT", "/v1/projects/newsletter", { native_builds: "off" });
  await pages.addProject({ name: "not-yet", production_branch: "main", source: "acme/not-yet" });
  const hookOf = (name: string): Hook => {
    const found = projects[name];
    if (found === undefined) {
      throw new Error(`No project ${name} was made.`);
    }
    return found.hook;
  };

  /** A push as somebody makes it; the deploy that came of it. */
  const push = async (
    name: string,
    message: string,
    { branch = DEFAULT_BRANCH, by = "amara-okafor" } = {},
  ): Promise<Deploy> => {
    const body = JSON.parse(pushOf(branch, newCommit(), message)) as { pusher: object };
    const sent = JSON.stringify({ ...body, pusher: { ...body.pusher, name: by } });
    const { json } = await deliver(hookOf(name), sent);
    const [result] = (json as { results: { deploy_id: string }[] }).results;
    return signalbox.deploy(name, result?.deploy_id ?? "");
  };
  const at = ({ project: name, number }: Deploy): string => `/projects/${name}/deploys/${number}`;

  const first = await Promise.all(
    names.map((name) => push(name, "Show the delivery date in the basket")),
  );
  await Promise.all(first.map(({ project: name, id }) => signalbox.ended(name, id)));

  await stack.kill();
  fillHistory(world.dir, "archive", 10_000);
  fillHistory(world.dir, "storefront", 30);
  fillHistory(world.dir, "late", 12, { scale: 0.01 });
  await stack.restart();

  await pages.fault({ call: "create", project: "checkout", kind: "fail_build" });
  const failed = await push("checkout", "Take payments in two steps", { by: "li-wei" });
  const hostile = await push(LONG, LONG_MESSAGE, { branch: LONG_BRANCH, by: PEOPLE });
  const [down] = await Promise.all([
    settings(world),
    signalbox.ended("checkout", failed.id),
    signalbox.ended(LONG, hostile.id),
  ]);
  await pages.speed({ stages: { build: 600_000 } });
  const held = await push("evenings", "Move the sale to the front page");
  await push("locked", "Log people out of old sessions");
  const refused = await push("docs", "Explain the returns policy anew");
  await push(LONG, "<script>alert(1)</script><img src=x onerror=alert(1)>", { by: PEOPLE });
  const [running] = await Promise.all(
    ["storefront", "late"].map((name) => push(name, "Warm the cache before the switch")),
  );
  if (running === undefined) {
    throw new Error("Nothing was pushed.");
  }
  await until("the one to run that others wait for", async () => {
    const { status } = await signalbox.deploy("storefront", running.id);
    return status === "running";
  });
  const superseded = await push("storefront", "Try a larger basket button");
  await push("storefront", "תיקון שגיאה בעמוד התשלום", { by: "נועה" });
  await push("storefront", "Let people pay later", { branch: "pay-later" });
  await push("storefront", "Sort by what is in stock", { branch: "in-stock" });
  await push("storefront", "Ask for the size first", { branch: "sizes" });
  await push(LONG, LONG_MESSAGE, { branch: LONG_BRANCH, by: PEOPLE });
  await push(LONG, "حدّث الصفحة \u202e gnp.exe", { by: "سارة" });
  const failing = await until("a subscriber to be failing", async () => {
    const { items } = await signalbox.ask<{
      items: { id: string; url: string; failing_since: string | null }[];
    }>("GET", "/v1/projects/storefront/subscribers");
    return items.find(({ url, failing_since: since }) => url === down.url && since !== null);
  });
  const { next_cursor: cursor } = await signalbox.ask<{ next_cursor: string }>(
    "GET",
    "/v1/projects/archive/deploys?limit=25",
  );
  return {
    failed: at(failed),
    held: at(held),
    refused: at(refused),
    hook: `/projects/storefront/hooks/${hookOf("storefront").id}`,
    failing: `/projects/storefront/subscribers/${failing.id}`,
    archived: `/projects/archive?cursor=${cursor}`,
    story: {
      project: LONG,
      running: at(running),
      superseded: at(superseded),
      older: "/projects/storefront/deploys/20",
      hostile: at(hostile),
    },
  };
}

/** What people set up once; the receiver that is down. */
async function settings(world: World): Promise<Receiver> {
  const { signalbox } = world;
  const on = (name: string, method: string, path: string, body: object): Promise<unknown> =>
    signalbox.ask(method, `/v1/projects/${name}${path}`, body);
  const opens = new Date(Date.now() + 3 * HOUR_MS).getUTCHours();
  const evenings = {
    action: "allow",
    cron: `0 ${opens} * * *`,
    duration_minutes: 60,
    time_zone: "UTC",
    reason: "Evenings",
  };
  const freeze = {
    action: "deny",
    environment: "production",
    cron: "0 0 20 12 *",
    duration_minutes: 10_080,
    time_zone: "Europe/Berlin",
    reason: "Christmas",
  };
  const tomorrow = new Date(Date.now() + 24 * HOUR_MS).toISOString();
  await on("evenings", "PATCH", "/policy", { windows: [evenings, freeze] });
  await on("docs", "PATCH", "/policy", {
    approval: { environments: ["production"], expires_hours: 44 },
  });
  await on("locked", "POST", "/locks", {
    reason: "Login loop on Safari",
    holder: "Ines Marwitz",
    environment: "production",
    until: tomorrow,
  });
  const down = await world.subscribe("storefront");
  down.answer = () => ({ status: 500, body: "<h1>Internal Server Error</h1>" });
  await on("storefront", "POST", "/hooks", {
    source: "contentful",
    description: "The shop's texts",
  });
  await on("storefront", "POST", "/subscribers", {
    kind: "slack",
    url: `${world.stack.info.sandbox_url}/services/T000/B000/nobody`,
    description: "The team's channel",
  });
  await on("storefront", "POST", "/schedules", {
    cron: "30 6 * * 1-5",
    time_zone: "Europe/Berlin",
  });
  await on("storefront", "POST", "/schedules", { at: tomorrow, skip_unchanged: true });
  await on("storefront", "POST", "/badge", {});
  await signalbox.ask("POST", "/v1/access", {
    email_domain: "example.com",
    scopes: ["read", "deploy"],
    project: "storefront",
    description: "Everybody in the shop's team",
  });
  const token = {
    scopes: ["read", "deploy"],
    description: "The release bot",
    expires_at: tomorrow,
  };
  await on("storefront", "POST", "/tokens", token);
  await signalbox.ask("POST", "/v1/tokens", token);
  const { id } = await signalbox.ask<{ id: string }>("POST", "/v1/tokens", { scopes: ["manage"] });
  await signalbox.send("DELETE", `/v1/tokens/${id}`);
  return down;
}
