import type { Deploy, Event, Lock } from "../project/shapes.ts";
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
type Told = Deploy & {
  readonly links?: Record<"dashboard" | "deployment" | "site", string | null>;
  readonly waited_ms?: number;
  readonly failure?: { readonly stage: string; readonly log: readonly string[] } | null;
};

type Part = Pick<Summary, "tone" | "title"> & Partial<Summary>;

/** `null`: a team that reads chat does not want to hear of it. One message per deploy is enough. */
export function summarize(event: Event): Summary | null {
  const deploy = event.data["deploy"] as Told | undefined;
  const part = deploy === undefined ? ofProject(event) : ofDeploy(event, deploy);
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

function ofDeploy(event: Event, deploy: Told): Part | null {
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

function deployPart({ type, data }: Event, deploy: Told): Part | null {
  const what = nameOf(deploy);
  const of = deploy.environment === "production" ? "" : ` in the preview of ${deploy.branch}`;
  switch (type) {
    case "deploy.succeeded":
      // A recovery and a rollback are told of by the event that follows.
      return deploy.environment === "preview" ||
        deploy.kind === "rollback" ||
        data["recovered"] === true
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
        advice: text(data["action"]),
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
            reason: text(data["reason"]),
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
function nameOf({ commit_hash: hash, number }: Deploy): string {
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

function ofProject({ type, data }: Event): Part | null {
  switch (type) {
    case "project.locked":
    case "project.unlocked":
      return locked(type, data);
    case "project.quarantined":
      return {
        tone: "bad",
        title: `Signalbox gave up on ${text(data["key"])}`,
        reason: `It failed ${Number(data["strikes"])} times in a way nobody foresaw.`,
        advice: "What Signalbox wrote to its own log says why. Nothing else is held up by it.",
      };
    case "hook.refused":
      return {
        tone: "caution",
        title: "a delivery was refused",
        reason: text(data["reason"]),
        facts: [
          { name: "Source", value: text(data["source"]) },
          { name: "Hook", value: text(data["hook_id"]) },
        ],
        advice: "Nothing is deployed by it. Compare the sender's settings with the hook's.",
      };
    case "subscriber.failing":
    case "subscriber.disabled":
    case "subscriber.recovered":
      return subscriber(type, data);
    case "test.ping":
      return { tone: "plain", title: "test message", reason: text(data["message"]) };
    default:
      return null;
  }
}

function locked(
  type: "project.locked" | "project.unlocked",
  data: Readonly<Record<string, unknown>>,
): Part {
  const lock = data["lock"] as Lock;
  const what = lock.environment ?? "the project";
  if (type === "project.unlocked") {
    return {
      tone: "plain",
      title: `${what} is unlocked`,
      reason: data["reason"] === "expired" ? "The lock's time is over." : null,
      facts: [
        ...(data["by"] == null ? [] : [{ name: "By", value: text(data["by"]) }]),
        { name: "Lock was by", value: lock.holder },
        { name: "For", value: lock.reason },
      ],
    };
  }
  return {
    tone: "caution",
    title: `${what} is locked`,
    facts: [
      { name: "By", value: lock.holder },
      { name: "For", value: lock.reason },
      { name: "Until", value: lock.until === null ? "it is taken away" : moment(lock.until) },
    ],
    advice: "Deploys wait until then; what is live stays live.",
  };
}

function subscriber(
  type: "subscriber.failing" | "subscriber.disabled" | "subscriber.recovered",
  data: Readonly<Record<string, unknown>>,
): Part {
  const host = text(data["url_host"]);
  const facts = [{ name: "Subscriber", value: text(data["subscriber_id"]) }];
  switch (type) {
    case "subscriber.failing":
      return {
        tone: "bad",
        title:
          data["given_up"] == null
            ? `${host} can't be told of events`
            : `${host} was not told of an event`,
        reason: text(data["reason"]),
        facts: [...facts, { name: "Failures", value: `${Number(data["failures"])} in a row` }],
        advice: "Signalbox goes on trying. See what that endpoint answers.",
      };
    case "subscriber.disabled":
      return {
        tone: "bad",
        title: `${host} is not told of events any more`,
        reason: text(data["reason"]),
        facts,
        advice: "Set the subscriber's state to active once it answers again.",
      };
    case "subscriber.recovered":
      return { tone: "good", title: `${host} is told of events again`, facts };
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
