import type { Story } from "../../project/overview.ts";
import type { Deploy, Event } from "../../project/shapes.ts";
import { localized, person, shortHash, visible, type Piece, type Sentence } from "./text.ts";
import { duration, type Clock } from "./time.ts";
import { markOf, outcomeMark, stageWord, triggerText, waitMark, type Mark } from "./words.ts";

/** One step of how a deploy got where it is. */
export interface Step {
  readonly at: number;
  readonly mark: Mark;
  readonly text: Sentence;
  /** How the way from here to the next step looks: a wait is dashed, amber when a rule holds it. */
  readonly way: "plain" | "turn" | "held";
}

const point: Mark = { icon: "point", tone: "quiet", word: "" };

const deployIn = ({ data }: Event): Deploy | null => (data["deploy"] as Deploy | undefined) ?? null;
const textIn = ({ data }: Event, key: string): string | null => {
  const value = data[key];
  return typeof value === "string" ? visible(value) : null;
};

/** Everything but the stages, which have a table of their own. */
export function trailOf(story: Story, project: string, clock: Clock): Step[] {
  const steps = [
    ...story.events.flatMap((event) => stepOf(event, story, project, clock) ?? []),
    ...story.joined.map(({ source, at }): Step => ({
      at: Date.parse(at),
      mark: outcomeMark("coalesced"),
      text: [`A newer trigger joined it: ${visible(source)}.`],
      way: "plain",
    })),
  ].sort((a, b) => a.at - b.at);
  return steps;
}

function stepOf(event: Event, story: Story, project: string, clock: Clock): Step | null {
  const deploy = deployIn(event) ?? story.deploy;
  const at = Date.parse(event.timestamp);
  const link = (id: string | null): Piece => {
    const number = id === null ? undefined : story.others[id];
    return number === undefined
      ? "a newer one"
      : { href: `/projects/${project}/deploys/${number}`, text: `#${number}` };
  };
  const reason = (): Sentence => {
    const until = deploy.waiting?.until ?? null;
    return localized(deploy.reason ?? "", until === null ? null : Date.parse(until), clock);
  };
  const step = (mark: Mark, text: Sentence, way: Step["way"] = "plain"): Step => ({
    at,
    mark,
    text,
    way,
  });
  const ended = (): Step => step(markOf(deploy.status), [...afterwards(deploy), ...reason()]);
  switch (event.type) {
    case "deploy.queued": {
      const waits = deploy.waiting;
      const way = waits === null ? "plain" : waits.for === "turn" ? "turn" : "held";
      const retry: Sentence =
        deploy.retry_of === null ? [] : [" A retry of ", link(deploy.retry_of), "."];
      return step(
        point,
        [
          "Asked for by ",
          { foreign: triggerText(deploy.trigger) },
          `. Number ${deploy.number} given.`,
          ...retry,
          ...(waits === null ? [] : [" ", ...reason()]),
        ],
        way,
      );
    }
    case "deploy.held":
      return step(waitMark(deploy.waiting?.for ?? "turn"), reason(), "held");
    case "deploy.released": {
      const by = textIn(event, "by");
      const why = textIn(event, "override");
      return by === null
        ? step(point, ["No rule holds it any more."])
        : step(waitMark("approval"), [
            "Let go by ",
            { foreign: person(by) },
            ": “",
            { foreign: why ?? "" },
            "”.",
          ]);
    }
    case "deploy.approval_requested":
      return step(waitMark("approval"), ["Approval was asked for."], "held");
    case "deploy.approved":
      return step(waitMark("approval"), [
        "Approved by ",
        { foreign: person(textIn(event, "by") ?? "somebody") },
        ".",
      ]);
    case "deploy.superseded":
      return step(markOf("superseded"), reason());
    case "deploy.started": {
      const waited = at - Date.parse(deploy.created_at);
      const after = waited < 1_000 ? "" : `, after ${duration(waited)} in line`;
      return step(markOf("running"), [`Started${after}.`]);
    }
    case "deploy.reconciling":
      return step(markOf("reconciling"), reason(), "turn");
    case "deploy.succeeded":
      return step(markOf("succeeded"), ["Succeeded", ...took(deploy)]);
    case "deploy.failed":
    case "deploy.timed_out":
    case "deploy.canceled":
    case "deploy.skipped":
      return ended();
    case "deploy.recovered":
      return step(point, ["The one before it had failed: this one is well again."]);
    case "deploy.abandoned":
      return step({ icon: "gone", tone: "quiet", word: "abandoned" }, [
        "Its deployment may go on at Cloudflare, and is watched until it has ended.",
      ]);
    case "deploy.stray":
      return step({ icon: "unsure", tone: "accent", word: "stray" }, [
        "A second deployment of it came to light: ",
        { hash: shortHash(textIn(event, "deployment_id")) ?? "" },
        ".",
      ]);
    case "deploy.rolled_back": {
      const why = textIn(event, "reason");
      return step({ icon: "back", tone: "quiet", word: "" }, [
        why ?? "Production was rolled back to it.",
      ]);
    }
    case "deploy.promoted":
      return step({ icon: "up", tone: "quiet", word: "" }, [
        "Promoted from ",
        link(deploy.promoted_from),
        ".",
      ]);
    case "deploy.verified":
      return step(markOf("verifying"), ["Its health checks passed."]);
    case "deploy.health_failed":
      return step(markOf("failed"), [textIn(event, "action") ?? "Its health check failed."]);
    case "deploy.stage":
    default:
      return null;
  }
}

function took({ started_at: from, ended_at: to }: Deploy): Sentence {
  return from === null || to === null
    ? ["."]
    : [` after ${duration(Date.parse(to) - Date.parse(from))}.`];
}

/** Which stage it was in, where the reason does not say. */
function afterwards(deploy: Deploy): Sentence {
  const stage = deploy.stages.find(({ status }) => status === "active");
  return stage === undefined || deploy.status === "failed" ? [] : [`In ${stageWord(stage.name)}: `];
}
