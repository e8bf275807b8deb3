import type { Deploy, Event } from "../../../../src/project/shapes.ts";
import type { Made, Seen } from "./seen.ts";

/** What the events say of whose a deployment is. */

export const deployIn = ({ data }: Event): Deploy | undefined =>
  data["deploy"] as Deploy | undefined;

export const eventsOf = (events: readonly Event[], id: string): Event[] =>
  events.filter((event) => deployIn(event)?.id === id);

type Told = Pick<Seen, "deploys" | "events">;

/** The deploys that have sent just this: several, where one commit was asked for again. */
export function sendersOf({ message, branch }: Made, { deploys }: Told): Deploy[] {
  return deploys.filter(
    (deploy) =>
      deploy.branch === branch &&
      deploy.kind !== "rollback" &&
      deploy.started_at !== null &&
      deploy.commit_message === message,
  );
}

/** The deploy whose deployment this is, as its events say; before they do, all that may have sent it. */
export function ownersOf(made: Made, told: Told): Deploy[] {
  const event = told.events.find((one) => {
    const deploy = deployIn(one);
    const failed = one.data["failed"] as { deployment_id?: string } | undefined;
    return (
      deploy !== undefined &&
      deploy.kind !== "rollback" &&
      [deploy.deployment?.id, one.data["deployment_id"], failed?.deployment_id].includes(made.id)
    );
  });
  const owner = event === undefined ? undefined : deployIn(event)?.id;
  return owner === undefined
    ? sendersOf(made, told)
    : told.deploys.filter(({ id }) => id === owner);
}

/** The number a deployment went out under; of several that may have sent it, the highest. */
export function numberOf(made: Made, told: Told): number {
  return Math.max(0, ...ownersOf(made, told).map(({ number }) => number));
}
