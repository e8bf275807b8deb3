import type { DeployEventType, Event, EventData } from "../project/catalogue.ts";
import type { Deploy, Lock } from "../project/shapes.ts";
import { duration, moment, oneLine, safeUrl } from "./text.ts";

/**
 * What a chat message says of an event, whoever shows it. All text is text: a format escapes it, and cuts it to its
 * vendor's limits.
 */
export interface Summary {
  readonly tone: "good" | "bad" | "caution" | "plain";
  readonly title: string;
  /** Why, in one sentence. */
  readonly reason: string | null;
  readonly facts: readonly Fact[];
  /** The last lines of a build's log. */
  readonly log: readonly string[];
  readonly advice: string | null;
  readonly links: readonly Link[];
  readonly project: string;
  readonly timestamp: string;
}

interface Fact {
  readonly name: string;
  readonly value: string;
}

interface Link {
  readonly label: string;
  readonly url: string;
}

/** Events that were stored before these fields were there lack them. */
type Later = "links" | "waited_ms" | "failure";
type Told = Omit<Deploy, Later> & Partial<Pick<Deploy, Later>>;

type DeployEvent = Event<DeployEventType>;

type Part = Pick<Summary, "tone" | "title"> & Partial<Summary>;

/** `null`: a team that reads chat does not want to hear of it. One message per deploy is enough. */
export function summarize(event: Event): Summary | null {
  const part = isOfDeploy(event) ? ofDeploy(event) : ofProject(event);
  if (part === null) {
    return null;
  }
  const { tone, title, reason, facts = [], log = [], advice, links = [] } = part;
  return {
    tone,
    title: `${event.project}: ${title}`,
    reason: said(reason),
    facts: facts.map(({ name, value }) => ({ name, value: said(value) ?? "–" })),
    log: log.filter((line) => said(line) !== null),
    advice: said(advice),
    links,
    project: event.project,
    timestamp: event.timestamp,
  };
}

function said(text: string | null | undefined): string | null {
  return oneLine(text ?? "") || null;
}

function isOfDeploy(event: Event): event is DeployEvent {
  return event.type.startsWith("deploy.");
}

function ofDeploy(event: DeployEvent): Part | null {
  const deploy: Told = event.data.deploy;
  const part = deployPart(event, deploy);
  return (
    part && {
      reason: deploy.reason,
      facts: deployFacts(deploy),
      links: deployLinks(deploy),
      ...part,
    }
  );
}

function deployPart({ type, data }: DeployEvent, deploy: Told): Part | null {
  const what = nameOf(deploy);
  const of = deploy.environment === "production" ? "" : ` in the preview of ${deploy.branch}`;
  switch (type) {
    case "deploy.succeeded":
      // A recovery and a rollback are told of by the event that follows.
      return deploy.environment === "preview" || deploy.kind === "rollback" || data.recovered
        ? null
        : { tone: "good", title: `${what} is live` };
    case "deploy.recovered":
      return deploy.kind === "rollback"
        ? null
        : { tone: "good", title: `${what} is live${of}; the deploy before it had failed` };
    case "deploy.failed":
      return deploy.reason_code === "health_failed" ? null : failed(deploy, `${what} failed`, of);
    case "deploy.timed_out":
      return {
        ...failed(deploy, `${what} timed out`, of),
        advice:
          "Its deployment may go on at Cloudflare and is watched there; if that is too short a time for this build, raise the deadline in the policy.",
      };
    case "deploy.health_failed":
      return {
        tone: "bad",
        title: `${what} is live and failed its health check`,
        advice: data.action,
      };
    case "deploy.rolled_back":
      return deploy.kind === "rollback"
        ? {
            tone: "caution",
            title: `Production is rolled back to ${what}`,
            advice: "If it has locked production, deploys wait until somebody unlocks it.",
          }
        : {
            tone: "caution",
            title: `A deployment of ${what} was undone${of}`,
            reason: data.reason ?? null,
          };
    case "deploy.stray":
      return {
        tone: "caution",
        title: `A second deployment of ${what} came to light${of}`,
        reason: "Cloudflare's answer to a create request was lost; this may be what it made.",
        advice: "It is watched, and undone if it goes live over a newer one.",
      };
    case "deploy.abandoned":
      // After a time-out that has been told of; over what a newer deploy put live, it is undone.
      return deploy.status === "canceled" && deploy.environment === "production"
        ? {
            tone: "caution",
            title: `${what} was canceled while it ran, and may go live all the same`,
            advice: "Its deployment is watched at Cloudflare. Roll back if it goes live.",
          }
        : null;
    case "deploy.approval_requested":
      return {
        tone: "caution",
        title: `${what} waits for approval${of}`,
        advice: "Approve or reject it.",
      };
    default:
      return null;
  }
}

function failed(deploy: Told, title: string, of: string): Part {
  const stage = /^Failed (in .+)\.$/.exec(deploy.reason ?? "")?.[1];
  return {
    tone: "bad",
    title: `${title}${stage === undefined ? "" : ` ${stage}`}${of}`,
    log: deploy.failure?.log ?? [],
    advice:
      ADVICE[deploy.reason_code ?? ""] ??
      "What was live stays live. Fix what the log says and push, or retry.",
  };
}

const ADVICE: Record<string, string> = {
  upstream_auth:
    "Give Signalbox a credential that Cloudflare takes: CLOUDFLARE_API_TOKEN, with the permission Cloudflare Pages, Edit.",
  outcome_uncertain: "See at Cloudflare whether it is live; if it is not, retry.",
  project_gone: "Make the project again at Cloudflare, or delete it here.",
  body_lost: "What was live stays live. Upload it again.",
  assets_expired: "What was live stays live. Upload it again.",
  internal_error: "What Signalbox wrote to its own log says why. See at Cloudflare what is live.",
};

/** The commit, as people know it, or else its number. */
function nameOf({ commit_hash: hash, number }: Told): string {
  return hash !== null && /^[0-9a-f]{7,}$/i.test(hash) ? hash.slice(0, 7) : `#${number}`;
}

function deployFacts(deploy: Told): Fact[] {
  const { trigger, started_at: started, ended_at: ended, waited_ms: waited } = deploy;
  const by = trigger.actor === null ? trigger.source : `${trigger.actor} (${trigger.source})`;
  return [
    { name: "Change", value: said(deploy.commit_message) ?? "No message" },
    { name: "Branch", value: deploy.branch },
    { name: "Environment", value: deploy.environment },
    { name: "Deploy", value: `#${deploy.number}, ${deploy.kind}` },
    { name: "By", value: by },
    ...(waited === undefined || waited < 1_000
      ? []
      : [{ name: "Waited", value: duration(waited) }]),
    ...(started === null || ended === null
      ? []
      : [{ name: "Took", value: duration(Date.parse(ended) - Date.parse(started)) }]),
  ];
}

function deployLinks({ links, deployment }: Told): Link[] {
  const { site = deployment?.url, dashboard, deployment: upstream } = links ?? {};
  return [
    { label: "Open site", url: safeUrl(site) },
    { label: "Open deploy", url: safeUrl(dashboard) },
    { label: "Open at Cloudflare", url: safeUrl(upstream) },
  ].flatMap(({ label, url }) => (url === null ? [] : [{ label, url }]));
}

function ofProject({ type, data }: Exclude<Event, DeployEvent>): Part | null {
  switch (type) {
    case "project.locked":
      return locked(data.lock);
    case "project.unlocked":
      return unlocked(data);
    case "project.quarantined":
      return {
        tone: "bad",
        title: `Signalbox gave up on ${data.key}`,
        reason: `It failed ${data.strikes} times in a way nobody foresaw.`,
        advice: "What Signalbox wrote to its own log says why. Nothing else is held up by it.",
      };
    case "hook.refused":
      return {
        tone: "caution",
        title: "a delivery was refused",
        reason: data.reason,
        facts: [
          { name: "Source", value: data.source },
          { name: "Hook", value: data.hook_id },
        ],
        advice: "Nothing is deployed by it. Compare the sender's settings with the hook's.",
      };
    case "subscriber.failing":
      return {
        tone: "bad",
        title:
          data.given_up === null
            ? `${data.url_host} can't be told of events`
            : `${data.url_host} was not told of an event`,
        reason: data.reason,
        facts: [
          { name: "Subscriber", value: data.subscriber_id },
          { name: "Failures", value: `${data.failures} in a row` },
        ],
        advice: "Signalbox goes on trying. See what that endpoint answers.",
      };
    case "subscriber.disabled":
      return {
        tone: "bad",
        title: `${data.url_host} is not told of events any more`,
        reason: data.reason,
        facts: [{ name: "Subscriber", value: data.subscriber_id }],
        advice: "Set the subscriber's state to active once it answers again.",
      };
    case "subscriber.recovered":
      return {
        tone: "good",
        title: `${data.url_host} is told of events again`,
        facts: [{ name: "Subscriber", value: data.subscriber_id }],
      };
    case "test.ping":
      return { tone: "plain", title: "test message", reason: data.message };
    default:
      return null;
  }
}

function locked({ environment, holder, reason, until }: Lock): Part {
  return {
    tone: "caution",
    title: `${environment ?? "the project"} is locked`,
    facts: [
      { name: "By", value: holder },
      { name: "For", value: reason },
      { name: "Until", value: until === null ? "it is taken away" : moment(until) },
    ],
    advice: "Deploys wait until then; what is live stays live.",
  };
}

function unlocked({ lock, reason, by }: EventData<"project.unlocked">): Part {
  return {
    tone: "plain",
    title: `${lock.environment ?? "the project"} is unlocked`,
    reason: reason === "expired" ? "The lock's time is over." : null,
    facts: [
      ...(by === null ? [] : [{ name: "By", value: by }]),
      { name: "Lock was by", value: lock.holder },
      { name: "For", value: lock.reason },
    ],
  };
}
