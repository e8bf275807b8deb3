import { exampleEvent, exampleOf } from "../../../src/project/examples.ts";
import type { Deploy, Event, EventType } from "../../../src/project/shapes.ts";

/** A deploy of production that failed in its build. */
export function deploy(change: Record<string, unknown> = {}): Deploy {
  return { ...exampleOf("deploy.failed").deploy, ...change };
}

export function event(type: EventType, data: Record<string, unknown>): Event {
  return { ...exampleEvent(type), data } as Event;
}
