import type { HeaderBlock, KnownBlock, PlainTextElement, SectionBlock } from "@slack/types";

import type { Summary } from "./summary.ts";
import { fit, moment } from "./text.ts";

interface SlackMessage {
  /** What notifications show, and readers without blocks. */
  readonly text: string;
  /** Whether that is markup. */
  readonly mrkdwn: false;
  readonly blocks: readonly KnownBlock[];
}

/**
 * An event in Block Kit. What others wrote stands in plain text, where no markup counts, or in a code block. Slack's limits:
 * 50 blocks, 150 characters in a header, 3000 in a text, ten fields of 2000.
 */
export function slackMessage(summary: Summary): SlackMessage {
  const { title, reason, facts, log, advice, links, timestamp } = summary;
  const header: HeaderBlock = { type: "header", text: plain(title, 150) };
  const fields = facts.slice(0, 10).map(({ name, value }) => ({
    type: "plain_text" as const,
    text: `${name}\n${fit(value, 300, escape)}`,
    emoji: false,
  }));
  const blocks: KnownBlock[] = [
    header,
    ...(reason === null ? [] : [section(plain(reason, 1_000))]),
    ...(fields.length === 0 ? [] : [{ type: "section" as const, fields }]),
    ...(log.length === 0 ? [] : [markup(codeBlock(log))]),
    ...(advice === null ? [] : [section(plain(advice, 500))]),
    ...(links.length === 0
      ? []
      : [markup(links.map(({ label, url }) => `<${escape(url)}|${label}>`).join(" · "))]),
    { type: "context", elements: [plain(`Signalbox · ${moment(timestamp)}`, 100)] },
  ];
  const text = reason === null ? title : `${title}. ${reason}`;
  return { text: fit(text, 500, escape), mrkdwn: false, blocks };
}

function plain(text: string, limit: number): PlainTextElement {
  return { type: "plain_text", text: fit(text, limit, escape), emoji: false };
}

function section(text: PlainTextElement): SectionBlock {
  return { type: "section", text };
}

/** `verbatim`: Slack makes no names and addresses of its own accord into links and mentions. */
function markup(text: string): SectionBlock {
  return { type: "section", text: { type: "mrkdwn", text, verbatim: true } };
}

/** A back-tick is shown by its like, and so ends no code. */
function codeBlock(log: readonly string[]): string {
  const lines = log.slice(-15).map((line) => fit(line, 180, (c) => escape(c).replaceAll("`", "ˋ")));
  return `\`\`\`\n${lines.join("\n")}\n\`\`\``;
}

/** Slack's three control characters. Without them there are no mentions, links and entities. */
function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
