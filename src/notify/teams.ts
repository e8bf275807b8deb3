import type { IAdaptiveCard, IContainer, IRichTextBlock, ITextRun } from "@microsoft/teams.cards";

import type { Summary } from "./summary.ts";
import { fit, moment } from "./text.ts";

interface TeamsMessage {
  readonly type: "message";
  readonly attachments: readonly {
    readonly contentType: "application/vnd.microsoft.card.adaptive";
    readonly contentUrl: null;
    readonly content: IAdaptiveCard;
  }[];
}

const STYLES = { good: "good", bad: "attention", caution: "warning", plain: "default" } as const;

/**
 * An event as an Adaptive Card, in the envelope that a Workflows webhook takes. All text stands in text runs, the one
 * element that knows no Markdown. The limit is 28 KB for the whole message; the parts below come to less than 20.
 */
export function teamsMessage(summary: Summary): TeamsMessage {
  const { tone, title, reason, facts, log, advice, links, timestamp } = summary;
  const head: IContainer = {
    type: "Container",
    style: STYLES[tone],
    bleed: true,
    items: [block([run(title, 200, { size: "Medium", weight: "Bolder" })])],
  };
  const content: IAdaptiveCard = {
    type: "AdaptiveCard",
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    version: "1.5",
    msteams: { width: "full" },
    fallbackText: fit(title, 200),
    body: [
      head,
      ...(reason === null ? [] : [block([run(reason, 600)])]),
      ...facts
        .slice(0, 10)
        .map(({ name, value }) =>
          fact([{ type: "TextRun", text: `${name}: `, weight: "Bolder" }, run(value, 200)]),
        ),
      ...log
        .slice(-15)
        .map((line) => logLine(run(line, 120, { fontType: "Monospace", size: "Small" }))),
      ...(advice === null ? [] : [block([run(advice, 400)])]),
      block([run(`Signalbox · ${moment(timestamp)}`, 100, { isSubtle: true, size: "Small" })]),
    ],
    actions: links.map(({ label, url }) => ({ type: "Action.OpenUrl", title: label, url })),
  };
  return {
    type: "message",
    attachments: [
      { contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content },
    ],
  };
}

function run(text: string, limit: number, look: Partial<ITextRun> = {}): ITextRun {
  return { type: "TextRun", text: fit(text, limit), ...look };
}

function block(inlines: ITextRun[]): IRichTextBlock {
  return { type: "RichTextBlock", inlines };
}

function fact(inlines: ITextRun[]): IRichTextBlock {
  return { ...block(inlines), spacing: "Small" };
}

function logLine(line: ITextRun): IRichTextBlock {
  return { ...block([line]), spacing: "None" };
}
