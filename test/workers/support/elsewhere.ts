import type { External } from "../../../src/project/shapes.ts";
import { World } from "./world.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Somebody deploys straight at Cloudflare; the deployment's id. */
export async function elsewhere(world: World, branch = "main"): Promise<string> {
  const form = new FormData();
  form.set("branch", branch);
  const answer = await world.api("POST", "/deployments", form);
  const { result } = await answer.json<{ result: { id: string } }>();
  return result.id;
}

/** What was told of others' deployments, in order. */
export const told = async (world: World): Promise<[string, External][]> =>
  (await world.events())
    .filter(({ type }) => type.startsWith("external."))
    .map(({ type, data }) => [type, data["external"] as External]);

export const typesOf = async (world: World, deployment: string): Promise<string[]> =>
  (await told(world)).filter(([, e]) => e.deployment_id === deployment).map(([type]) => type);

export const lists = (world: World): number =>
  world.sandbox
    .journal()
    .requests.filter((r) => r.project === world.name && r.path.includes("/deployments?")).length;

/** A project whose first list, with nothing in it, lies behind. */
export async function quietWorld(options: Parameters<typeof World.create>[0] = {}): Promise<World> {
  const world = await World.create(options);
  await world.stub().wake();
  await world.run(MINUTE);
  return world;
}
