import type { APIEmbed, RESTPostAPIWebhookWithTokenJSONBody } from "discord-api-types/v10";

import type { Summary } from "./summary.ts";
import { fit } from "./text.ts";

const COLORS = { good: 0x5fc9a2, bad: 0xff8d93, caution: 0xe0b04c, plain: 0x9eaca6 } as const;

/**
 * An event as one embed. Discord's limits: 256 characters in a title, 4096 in a description, 25 fields of 1024, 6000 in all,
 * which the parts below can't reach together.
 */
export function discordMessage(summary: Summary): RESTPostAPIWebhookWithTokenJSONBody {
  const { tone, title, reason, facts, log, advice, links, project, timestamp } = summary;
  const description = [
    reason === null ? "" : fit(reason, 600, escape),
    codeBlock(log),
    advice === null ? "" : fit(advice, 400, escape),
    links.map(({ label, url }) => `[${label}](${url})`).join(" · "),
  ];
  const embed: APIEmbed = {
    title: fit(title, 256, escape),
    description: description.filter((part) => part !== "").join("\n\n"),
    color: COLORS[tone],
    fields: facts.slice(0, 8).map(({ name, value }) => ({
      name,
      value: fit(value, 200, escape),
      inline: name !== "Change",
    })),
    footer: { text: fit(`Signalbox · ${project}`, 100) },
    timestamp,
  };
  return { embeds: [embed], allowed_mentions: { parse: [] } };
}

function codeBlock(log: readonly string[]): string {
  if (log.length === 0) {
    return "";
  }
  // A back-slash is text in code; a back-tick is shown by its like.
  const lines = log.slice(-15).map((line) => fit(line, 100, (c) => c.replaceAll("`", "ˋ")));
  return `\`\`\`\n${lines.join("\n")}\n\`\`\``;
}

/** Discord takes a back-slash before any of these as: this is text. The colon is for addresses, emoji and schemes. */
function escape(text: string): string {
  return text.replace(/[\\*_~|`>#[\]()<@:]/g, "\\$&");
}
