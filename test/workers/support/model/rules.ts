import { isEnd } from "../../../../src/project/status.ts";
import type { Deploy, DeployStatus, Event, EventType } from "../../../../src/project/shapes.ts";
import type { Ledger } from "./ledger.ts";
import { approvalIsWaitedFor, locksHold, startsAreApart, windowsHold } from "./stops.ts";
import type { Made, Seen } from "./seen.ts";
import { eventsOf, numberOf, sendersOf } from "./told.ts";

/** What must hold at any time. Each rule says what is wrong, judged by the sandbox wherever it knows. */
type Rule = (seen: Seen, ledger: Ledger) => string[];

/** Looks for a deployment whose answer was lost go on for this long; one that shows later is a twin. */
const SETTLE_MS = 120_000;

const isTwin = ({ hiddenMs }: Made): boolean => hiddenMs > SETTLE_MS;

/** Invariant 1: of what was answered, nothing is lost. */
const acceptedIsDurable: Rule = ({ deploys }, { answers }) => {
  const known = new Set(deploys.map(({ id }) => id));
  return answers
    .filter(({ deploy_id: deploy }) => deploy !== null && !known.has(deploy))
    .map(
      ({ id, deploy_id: deploy }) => `accepted: ${id} was answered with ${deploy}, which is gone`,
    );
};

/** Invariant 2: from its claim until its deployment is terminal at Cloudflare, a deploy has its lane to itself. */
const oneAtATime: Rule = ({ made, events }, ledger) =>
  made.flatMap((later, index) => {
    // Their lanes are as they were when the second of the two was claimed, which is not always the second to arrive.
    const isShared = (earlier: Made): boolean =>
      earlier.branch === later.branch ||
      ledger.policyAt(Math.max(earlier.claimedAt, later.claimedAt)).lane === "project";
    return made
      .slice(0, index)
      .filter(
        (earlier) =>
          isShared(earlier) &&
          (earlier.endedAt ?? Infinity) > later.at &&
          !isTwin(earlier) &&
          !givenUp(events, earlier.id, later.at, ledger.shortestDeadlineMs),
      )
      .map(
        (earlier) =>
          `one at a time: ${later.message} (${later.branch}) was made while ${earlier.message} (${earlier.branch}) was under way`,
      );
  });

/** Told to be abandoned before then; or a stray that had its lane for longer than anything may. */
function givenUp(events: readonly Event[], id: string, at: number, deadline: number): boolean {
  return events.some(
    ({ type, data, timestamp }) =>
      data["deployment_id"] === id &&
      ((type === "deploy.abandoned" && Date.parse(timestamp) <= at) ||
        (type === "deploy.stray" && Date.parse(timestamp) + deadline <= at)),
  );
}

/** Invariant 3: each try makes one deployment, but for what showed up too late to be known. */
const noDouble: Rule = (seen) =>
  [...Map.groupBy(seen.made, ({ message, branch }) => `${branch}: ${message}`)].flatMap(
    ([what, some]) => {
      const [first] = some;
      const owners = first === undefined ? [] : sendersOf(first, seen);
      const tries = owners.reduce((sum, { retries }) => sum + 1 + retries, 0);
      const counted = some.filter((one) => !isTwin(one)).length;
      return counted > tries ? [`no double: ${what} was made ${counted} times for ${tries}`] : [];
    },
  );

/** Invariant 4: nothing that counts goes live over a higher number of its target. */
const inOrder: Rule = (seen) => {
  const { made, live, events } = seen;
  const byId = new Map(made.map((one) => [one.id, one]));
  const top = new Map<string, number>();
  return live.flatMap(({ deployment, branch, cause }) => {
    const one = byId.get(deployment ?? "");
    if (cause !== "deployed" || one === undefined) {
      return [];
    }
    const number = numberOf(one, seen);
    const before = top.get(branch) ?? 0;
    top.set(branch, Math.max(before, number));
    return number < before && !isTwin(one) && !isLeft(one.id, events)
      ? [`in order: #${number} went live over #${before} on ${branch}`]
      : [];
  });
};

const isLeft = (id: string, events: readonly Event[]): boolean =>
  events.some(
    ({ type, data }) =>
      data["deployment_id"] === id && (type === "deploy.abandoned" || type === "deploy.stray"),
  );

const END_EVENTS: Partial<Record<DeployStatus, EventType>> = {
  succeeded: "deploy.succeeded",
  failed: "deploy.failed",
  timed_out: "deploy.timed_out",
  canceled: "deploy.canceled",
  superseded: "deploy.superseded",
  skipped: "deploy.skipped",
};
const END_TYPES = new Set<EventType>(Object.values(END_EVENTS));

/** Invariant 5: every trigger has an id, an outcome and, where that is not a deploy's, a reason. */
const everyTriggerIsAnswered: Rule = ({ triggers, deploys }, { answers }) => {
  const known = new Map(triggers.map((trigger) => [trigger.id, trigger]));
  const unrecorded = answers.filter((answer) => known.get(answer.id)?.outcome !== answer.outcome);
  const bare = triggers.filter(
    ({ id, outcome, reason, reason_code: code, deploy_id: deploy }) =>
      !id.startsWith("trg_") ||
      (outcome === "queued"
        ? deploys.every((d) => d.id !== deploy)
        : (reason ?? "") === "" || (code ?? "") === ""),
  );
  return [
    ...unrecorded.map(
      ({ id, outcome }) => `triggers: ${id} was answered ${outcome}, not on record`,
    ),
    ...bare.map((trigger) => `triggers: no deploy and no reason: ${JSON.stringify(trigger)}`),
  ];
};

/** What else than a deploy of its own project can have its turn before it. */
const TURN_CODES = ["external", "max_builds"];

/** Invariant 5: what waits says why, and until when wherever that is known. */
const everyWaitHasAReason: Rule = ({ deploys, alarm, alarmLost, busy, now }) =>
  deploys
    .filter(({ status }) => status === "queued")
    .flatMap((deploy) => {
      const { waiting, reason, reason_code: code, number } = deploy;
      const starts = alarmLost || busy || (alarm !== null && alarm <= now);
      if (waiting === null) {
        return starts ? [] : [`waits: #${number} waits for nothing, and is not to start`];
      }
      const until = waiting.until === null ? null : Date.parse(waiting.until);
      const open = ["turn", "lock", "window"].includes(waiting.for);
      return [
        ...((code === waiting.for || (waiting.for === "turn" && TURN_CODES.includes(code ?? ""))) &&
        (reason ?? "") !== ""
          ? []
          : [`waits: #${number} for ${waiting.for} has no reason but ${code}: ${reason}`]),
        ...(until === null && !open ? [`waits: #${number} for ${waiting.for} without an end`] : []),
        ...(until !== null && until <= now && !starts
          ? [`waits: #${number} for ${waiting.for} until what has passed`]
          : []),
      ];
    });

/** Invariant 5: every end has one event, in which it stands as it is; an end stays. */
const everyEndIsTold: Rule = ({ deploys, events }, { ends }) =>
  deploys.flatMap((deploy) => {
    const { id, number, status, ended_at: endedAt } = deploy;
    const own = eventsOf(events, id);
    const told = own.filter(({ type }) => END_TYPES.has(type)).map(({ type }) => type);
    const expected = isEnd(status) ? [END_EVENTS[status]] : [];
    const wrong =
      own[0]?.type !== "deploy.queued" ||
      told.join() !== expected.join() ||
      isEnd(status) !== (endedAt !== null) ||
      (isEnd(status) && status !== "succeeded" && (deploy.reason ?? "") === "");
    const was = ends.get(id) ?? lasting(deploy);
    if (isEnd(status)) {
      ends.set(id, was);
    }
    return [
      ...(wrong ? [`ends: #${number} is ${status}, told ${told.join() || "nothing"}`] : []),
      ...(ends.has(id) && was !== lasting(deploy)
        ? [`ends: #${number} changed after its end`]
        : []),
    ];
  });

const lasting = ({ status, ended_at, reason, deployment, superseded_by }: Deploy): string =>
  JSON.stringify([status, ended_at, reason, deployment, superseded_by]);

const eventsAreWhole: Rule = ({ events }) =>
  events.flatMap(({ sequence, timestamp }, index) => {
    const before = events[index - 1];
    return sequence === index + 1 && (before === undefined || before.timestamp <= timestamp)
      ? []
      : [`events: number ${sequence} stands at ${index + 1}`];
  });

/** However many come, a quiet period is over at the latest after its most, reckoned from the first of them. */
const quietEnds: Rule = ({ deploys }, { quietEnd }) =>
  deploys
    .filter(({ waiting }) => waiting?.for === "quiet_period")
    .filter(({ id, waiting }) => Date.parse(waiting?.until ?? "") > (quietEnd.get(id) ?? 0))
    .map(({ number, waiting }) => `quiet period: #${number} is held until ${waiting?.until}`);

const nothingFailsUnforeseen: Rule = ({ troubles }) => troubles.map((text) => `trouble: ${text}`);

const RULES: readonly (readonly [name: string, rule: Rule])[] = [
  ["invariant 1", acceptedIsDurable],
  ["invariant 2", oneAtATime],
  ["invariant 3", noDouble],
  ["invariant 4", inOrder],
  ["invariant 5", everyTriggerIsAnswered],
  ["invariant 5", everyWaitHasAReason],
  ["invariant 5", everyEndIsTold],
  ["invariant 6", eventsAreWhole],
  ["policy", quietEnds],
  ["policy", locksHold],
  ["policy", windowsHold],
  ["policy", approvalIsWaitedFor],
  ["policy", startsAreApart],
  ["invariant 7", nothingFailsUnforeseen],
];

export function judge(seen: Seen, ledger: Ledger): string[] {
  return RULES.flatMap(([name, rule]) => rule(seen, ledger).map((wrong) => `${name}, ${wrong}`));
}

/** What must hold besides when nothing is in the way any more and enough time has passed. */
export function judgeEnd(seen: Seen): string[] {
  const { deploys, leftovers, watches, streaming, made, live } = seen;
  // What is stuck at Cloudflare is watched for a day.
  const watched = made.filter(({ id, endedAt }) => endedAt !== null && leftovers.includes(id));
  const open = deploys
    .filter(({ ended_at }) => ended_at === null)
    .map(({ number, status, reason }) => `starves: #${number} is still ${status}: ${reason}`);
  const wrong = [...Map.groupBy(deploys, ({ target }) => target)].flatMap(([target, own]) => {
    const right = own.findLast(({ status }) => status === "succeeded");
    if (right === undefined) {
      return [];
    }
    const is = live.findLast(({ branch }) => branch === right.branch)?.deployment ?? null;
    const one = made.find(({ id }) => id === is);
    const newer = one !== undefined && numberOf(one, seen) > right.number;
    // What others have deployed is theirs to undo.
    const others = is !== null && one === undefined;
    return others || is === right.deployment?.id || newer
      ? []
      : [`live: ${target} shows ${is}, not ${right.deployment?.id} of #${right.number}`];
  });
  return [
    ...open,
    ...watched.map(({ message }) => `leftovers: ${message} is watched still`),
    ...(streaming > 0 ? [`leftovers: ${streaming} bodies have not arrived and are not gone`] : []),
    ...(watches > 0 ? [`leftovers: ${watches} twins are looked for still`] : []),
    ...wrong,
  ].map((text) => `invariant 7, ${text}`);
}
