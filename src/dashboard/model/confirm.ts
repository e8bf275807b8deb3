import type { Story } from "../../project/overview.ts";
import type { Deploy } from "../../project/shapes.ts";
import { called, hostOf } from "./now.ts";
import { firstLine, type Sentence } from "./text.ts";

/** What is asked before something is done that others feel. */
export interface Question {
  readonly title: string;
  /** What is so now, and what will be. */
  readonly facts: readonly (readonly [string, Sentence])[];
  readonly reason: "needed" | "wanted" | "none";
  readonly button: string;
  readonly keep: string;
  readonly danger: boolean;
  readonly needs: "deploy" | "manage";
}

/** What is asked about a deploy. */
export interface Decision extends Question {
  /** How it is told that it was done, and that it was not. */
  readonly done: string;
  readonly not: string;
}

export const QUESTIONS = ["cancel", "rollback", "promote", "approve", "reject", "release"] as const;
export type Asked = (typeof QUESTIONS)[number];

export const isAsked = (text: string): text is Asked =>
  (QUESTIONS as readonly string[]).includes(text);

const change = (deploy: Deploy): Sentence => [
  called(deploy),
  " ",
  { foreign: firstLine(deploy.commit_message) ?? "No message" },
];

export function questionOf(asked: Asked, story: Story): Decision {
  const { deploy } = story;
  const name = `#${deploy.number}`;
  const shared = {
    reason: "none",
    danger: false,
    needs: "deploy",
    keep: `Leave ${name} as it is`,
  } as const;
  switch (asked) {
    case "cancel":
      return {
        ...shared,
        title: `Cancel ${name}?`,
        facts: cancelFacts(story),
        button: `Cancel ${name}`,
        keep: `Keep ${name}`,
        danger: true,
        done: deploy.status === "queued" ? `${name} is canceled.` : `${name} is being canceled.`,
        not: `${name} was not canceled`,
      };
    case "rollback":
      return {
        ...shared,
        title: `Roll back production to ${name}?`,
        facts: rollbackFacts(story),
        button: story.project.policy.rollback.lock ? "Roll back and lock" : "Roll back",
        keep:
          story.project.live === null ? "Leave it as it is" : `Keep #${story.project.live.number}`,
        danger: true,
        done: `Production goes back to ${name}.`,
        not: "Not rolled back",
      };
    case "promote":
      return {
        ...shared,
        title: `Promote ${name} to production?`,
        facts: [
          ...liveNow(story),
          ["Then", change(deploy)],
          [
            "How",
            ["The upload of this preview is sent again, for production, as a new deploy in line."],
          ],
        ],
        button: `Promote ${name}`,
        done: `${name} is promoted: a new deploy is in line.`,
        not: `${name} was not promoted`,
      };
    case "approve":
      return {
        ...shared,
        title: `Approve ${name}?`,
        facts: [...liveNow(story), ["Then", change(deploy)], ["When", ["When its turn comes."]]],
        needs: "manage",
        button: `Approve ${name}`,
        done: `${name} is approved.`,
        not: `${name} was not approved`,
      };
    case "reject":
      return {
        ...shared,
        title: `Reject ${name}?`,
        facts: [
          ["Then", [`${name} ends as canceled, and is not deployed.`]],
          ["It was", change(deploy)],
        ],
        reason: "wanted",
        needs: "manage",
        danger: true,
        button: `Reject ${name}`,
        done: `${name} is rejected.`,
        not: `${name} was not rejected`,
      };
    case "release":
      return {
        ...shared,
        title: `Let ${name} go now?`,
        facts: [
          ["Waits", [{ foreign: deploy.reason ?? "" }]],
          [
            "Then",
            [
              "It starts at its next turn, whatever window, quiet period and time of its own say. Locks and approval stay.",
            ],
          ],
        ],
        reason: "needed",
        needs: "manage",
        button: `Let ${name} go`,
        done: `${name} may go.`,
        not: `${name} was not let go`,
      };
  }
}

function liveNow({ project }: Story): Question["facts"] {
  return [["Live now", project.live === null ? ["Nothing of Signalbox's."] : change(project.live)]];
}

function cancelFacts(story: Story): Question["facts"] {
  const { deploy, project } = story;
  if (deploy.status === "queued") {
    return [
      ["Then", ["It ends at once, and was never deployed."]],
      ["It was", change(deploy)],
    ];
  }
  const next = project.waiting.length;
  return [
    [
      "Then",
      [
        "It ends here at once. Its deployment is stopped at Cloudflare if that is possible, and watched until it has ended.",
      ],
    ],
    ...(deploy.environment === "production" ? liveNow(story) : []),
    [
      "Waiting",
      [
        next === 0
          ? "Nothing."
          : `${next} ${next === 1 ? "deploy waits" : "deploys wait"}; the next one may start.`,
      ],
    ],
  ];
}

function rollbackFacts(story: Story): Question["facts"] {
  const { deploy, project } = story;
  const running = project.running.filter(({ environment }) => environment === "production");
  const waiting = project.waiting.filter(({ environment }) => environment === "production");
  const names = (deploys: readonly Deploy[]): string =>
    deploys.map(({ number }) => `#${number}`).join(", ");
  return [
    ...liveNow(story),
    ["Then", [...change(deploy), ", at ", { foreign: hostOf(story) }]],
    [
      "Running",
      running.length === 0
        ? ["Nothing."]
        : [`${names(running)} is not stopped. If it goes live, the rollback is applied again.`],
    ],
    ["Waiting", waiting.length === 0 ? ["Nothing."] : [`${names(waiting)} ends as superseded.`]],
    [
      "Locked",
      project.policy.rollback.lock
        ? ["Production, until someone unlocks it. Newer deploys wait."]
        : ["Nothing: the next deploy goes live over it."],
    ],
  ];
}
