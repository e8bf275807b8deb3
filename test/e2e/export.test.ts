import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_BRANCH, REPOSITORY } from "../../scripts/demo/github.ts";
import type { Accepted, Deploy } from "../../src/project/shapes.ts";
import { Sentinels } from "../support/sentinels.ts";
import { World } from "./support/world.ts";
import type { GitProject, Hook } from "./support/world.ts";

/** A project is backed up to a file and comes back from it, as docs/backup.md has people do it. */

let world: World;
let project: GitProject;
beforeAll(async () => {
  world = await World.start();
  project = await world.gitProject("kept");
});
afterAll(async () => world?.stop());

const path = (name: string, what: string): string => `/v1/projects/${name}/${what}`;

interface Imported {
  readonly imported: Record<string, number>;
  readonly remarks: { readonly kind: string; readonly id: string | null }[];
}

const deployIn = (data: object): Deploy | undefined => (data as { deploy?: Deploy }).deploy;

async function backUp(name: string): Promise<string> {
  const { status, text } = await world.signalbox.send("GET", path(name, "export"));
  expect(status).toBe(200);
  const file = join(world.dir, `${name}.ndjson`);
  await writeFile(file, text);
  return text;
}

/** The file as it is read, without a length that is known before. */
async function restore(file: string, name: string): Promise<Imported> {
  const response = await fetch(world.stack.info.url + path(name, "import"), {
    method: "POST",
    headers: { authorization: `Bearer ${world.stack.info.token}` },
    body: Readable.toWeb(createReadStream(join(world.dir, `${file}.ndjson`))) as ReadableStream,
    duplex: "half",
  } as RequestInit);
  expect(response.status).toBe(200);
  return (await response.json()) as Imported;
}

test("an export has no secret in it", async () => {
  const { signalbox } = world;
  const secrets = new Sentinels();
  const word = (name: string): string => `sentinel-${name}-0123456789`;
  const add = async (what: string, body: object): Promise<Hook> =>
    signalbox.ask<Hook>("POST", path("kept", what), body);
  for (const name of ["hook", "chat", "header", "write-back"]) {
    secrets.add(name, word(name));
  }
  const hook = await add("hooks", { source: "bearer", secret: word("hook") });
  const made = await add("hooks", { source: "github" });
  await signalbox.ask("PATCH", path("kept", `hooks/${made.id}`), { rotate_secret: true });
  const url = `https://hooks.slack.com/services/${word("chat")}`;
  await add("subscribers", { kind: "slack", url, events: ["subscriber.disabled"] });
  const webhook = await add("subscribers", {
    url: "https://receiver.example/in",
    headers: { Authorization: `Bearer ${word("header")}` },
    events: ["subscriber.disabled"],
  });
  const host = { kind: "github", repository: "acme/shop", events: ["subscriber.disabled"] };
  await add("subscribers", { ...host, token: word("write-back") });
  const { token } = await signalbox.ask<{ token: string }>("POST", path("kept", "tokens"), {
    scopes: ["deploy"],
  });
  const badge = await signalbox.ask<{ url: string }>("POST", path("kept", "badge"));
  secrets.add("a secret that was made", made.secret);
  secrets.add("a signing secret", webhook.secret);
  secrets.add("a token", token);
  secrets.add("the instance's token", world.stack.info.token);
  const tail = (address: string): string => new URL(address).pathname.split("/").at(-1) ?? "";
  secrets.add("a hook's URL", tail(hook.url));
  secrets.add("a badge's URL", tail(badge.url));

  const text = await backUp("kept");
  expect(text).toContain(hook.id);
  expect(secrets.in(text)).toEqual([]);
  expect(text).not.toContain(world.stack.info.sandbox_token);
  // Neither is one there that is sealed: those are written <key id>.<base64>.
  expect(text).not.toMatch(/"[0-9a-f]{6}\.[A-Za-z0-9_-]{20,}"/);
});

test("a project comes back from its file, and goes on where it was", async () => {
  const { signalbox } = world;
  const { id } = await project.push();
  await signalbox.ended("kept", (await signalbox.deploys("kept"))[0]?.id ?? id);
  const before = await signalbox.deploys("kept");
  await backUp("kept");
  expect((await signalbox.send("DELETE", "/v1/projects/kept")).status).toBe(204);
  await signalbox.ask("PUT", "/v1/projects/kept", {});
  const { imported } = await restore("kept", "kept");
  expect(imported).toMatchObject({ deploy: before.length, hook: 3 });
  expect(await signalbox.deploys("kept")).toEqual(before);

  // The hook is where it was, once it has a secret again.
  await expect(project.push()).rejects.toThrow("secret_awaited");
  const { secret } = await signalbox.ask<Hook>("PATCH", path("kept", `hooks/${project.hook.id}`), {
    rotate_secret: true,
  });
  Object.assign(project.hook, { secret });
  expect((await project.push()).status).toBe(202);
  const [newest] = await signalbox.deploys("kept");
  expect(newest?.number).toBe(before.length + 1);
  expect((await signalbox.ended("kept", newest?.id ?? "")).status).toBe("succeeded");
  // Nobody was told again of what had happened, nor of anything new before there is a secret to sign it with.
  const told = project.receiver.heard.map(({ event }) => event);
  expect(new Set(told.map(({ id: each }) => each)).size).toBe(told.length);
  expect(told.filter(({ data }) => deployIn(data)?.id === newest?.id)).toEqual([]);
});

test("settings go to a project of another name", async () => {
  const { signalbox } = world;
  const source = REPOSITORY;
  await world.pages.addProject({ name: "copied", source, production_branch: DEFAULT_BRANCH });
  await signalbox.ask("PATCH", path("kept", "policy"), { mode: "all" });
  await signalbox.ask("PUT", "/v1/projects/copied", { native_builds: "off" });
  const file = join(world.dir, "settings.ndjson");
  const query = "export?include=settings";
  await writeFile(file, (await signalbox.send("GET", path("kept", query))).text);
  const { imported } = await restore("settings", "copied");
  expect(imported).toEqual({ policy: 1, hook: 3, subscriber: 4 });
  expect(await signalbox.ask("GET", path("copied", "policy"))).toMatchObject({ mode: "all" });
  const { deploy } = await signalbox.ask<Accepted>("POST", path("copied", "deploys"), {});
  expect(deploy?.number).toBe(1);
});
