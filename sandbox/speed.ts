import * as errors from "./errors.ts";
import { STAGES } from "./types.ts";
import type { World } from "./world.ts";
import type { Speed } from "./types.ts";

export function speedOf(world: World): Speed {
  return world.meta.get("speed") ?? {};
}

export function setSpeed(world: World, speed: Speed): void {
  const { factor, upload, stages = {} } = speed;
  const durations = [factor, upload, ...Object.values(stages)].filter((n) => n !== undefined);
  if (
    Array.isArray(speed) ||
    !durations.every((n) => Number.isFinite(n) && n >= 0) ||
    !Object.keys(stages).every((stage) => (STAGES as readonly string[]).includes(stage))
  ) {
    throw errors.badRequest(
      `A speed is {factor, stages: {${STAGES.join(", ")}}, upload}: numbers from 0, all optional.`,
    );
  }
  world.meta.put("speed", speed);
}
