import type { Event } from "../project/shapes.ts";

export type ChatKind = "slack" | "discord" | "teams";

/** The body of a message about an event; null: it is not worth one. */
export function chatBody(kind: ChatKind, event: Event): string | null {
  const text = `${event.project}: ${event.type}`;
  return JSON.stringify(kind === "discord" ? { content: text } : { text });
}
