import * as z from "zod";

import { GlobRule } from "./hook-settings.ts";
import { globAllows } from "../glob.ts";
import { Environment } from "./policy.ts";
import { DeployStatus, type Event } from "./shapes.ts";

/** What a person sets of what a subscriber hears, beyond types of events. Stored and shown as it was given. */
export const SubscriberSettings = z.object({
  branches: GlobRule.default({ include: [], exclude: [] }),
  /** None: all. */
  environments: z.array(Environment).max(2).default([]),
  statuses: z.array(DeployStatus).max(20).default([]),
});
export type SubscriberSettings = z.infer<typeof SubscriberSettings>;

/** What of a subscriber says what it wants. */
export interface Wish {
  readonly id: string;
  /** JSON array of patterns: `*`, `deploy.*`, `deploy.succeeded`. */
  readonly events: string;
  /** JSON of {@link SubscriberSettings}, as far as they were ever set. */
  readonly settings: string;
}

export function settingsOf({ settings }: Pick<Wish, "settings">): SubscriberSettings {
  return SubscriberSettings.parse(JSON.parse(settings));
}

/**
 * Whether a subscriber is to be told of an event. What happens to a subscriber is told to the others only; its own test
 * events pass every filter.
 */
export function wants(wish: Wish, event: Pick<Event, "type" | "data">): boolean {
  const about = event.data["subscriber_id"];
  if (event.type.startsWith("test.")) {
    return about === wish.id;
  }
  if (event.type.startsWith("subscriber.") && about === wish.id) {
    return false;
  }
  const fits = (JSON.parse(wish.events) as string[]).some(
    (pattern) =>
      pattern === "*" ||
      pattern === event.type ||
      (pattern.endsWith(".*") && event.type.startsWith(pattern.slice(0, -1))),
  );
  return fits && isAbout(wish, event.data);
}

interface Subject {
  readonly branch: string;
  readonly environment: Environment;
  readonly status: DeployStatus;
}

/** An event that is about no deploy passes: there is nothing in it to hold against the filters. */
function isAbout(wish: Wish, data: Event["data"]): boolean {
  const deploy = data["deploy"] as Subject | undefined;
  if (deploy === undefined) {
    return true;
  }
  const { branches, environments, statuses } = settingsOf(wish);
  return (
    globAllows(branches, deploy.branch) &&
    (environments.length === 0 || environments.includes(deploy.environment)) &&
    (statuses.length === 0 || statuses.includes(deploy.status))
  );
}
