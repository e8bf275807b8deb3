import type { Event } from "../project/shapes.ts";
import { discordMessage } from "./discord.ts";
import { slackMessage } from "./slack.ts";
import { summarize } from "./summary.ts";
import { teamsMessage } from "./teams.ts";

export type ChatKind = "slack" | "discord" | "teams";

const FORMATS = { slack: slackMessage, discord: discordMessage, teams: teamsMessage } as const;

/** The JSON to send to a vendor's incoming webhook. `null`: this event is not worth a message. */
export function chatBody(kind: ChatKind, event: Event): string | null {
  const summary = summarize(event);
  return summary === null ? null : JSON.stringify(FORMATS[kind](summary));
}
