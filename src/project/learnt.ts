import { KINDS } from "../notify/kinds.ts";
import { Kept, NOTHING } from "../notify/git/status.ts";
import type { Context } from "./context.ts";
import type { Event } from "./shapes.ts";
import type { SubscriberRow } from "./subscribers.ts";

/**
 * What a git host's answers have taught about a deploy and its target: the ids of what was made there. Without it everything
 * is told again and found again, and nothing is made twice.
 */
export function recall(
  context: Context,
  { id, kind }: Pick<SubscriberRow, "id" | "kind">,
  event: Event,
): Kept {
  const about = aboutOf(event);
  if (about === null || KINDS[kind].proof !== "token") {
    return NOTHING;
  }
  const read = (what: string): unknown => {
    const row = context.sql.one<{ memory: string }>(
      "SELECT memory FROM learnt WHERE subscriber_id = ? AND about = ?",
      id,
      what,
    );
    return row === null ? {} : (JSON.parse(row.memory) as unknown);
  };
  return Kept.parse({ deploy: read(about.deploy), target: read(about.target) });
}

/** In the transaction that settles the attempt. */
export function keep(
  context: Context,
  { id }: Pick<SubscriberRow, "id">,
  event: Event,
  kept: Kept | undefined,
): void {
  const about = aboutOf(event);
  if (about === null || kept === undefined) {
    return;
  }
  for (const part of ["deploy", "target"] as const) {
    context.sql.run(
      `INSERT INTO learnt (subscriber_id, about, memory, at) VALUES (?, ?, ?, ?)
       ON CONFLICT (subscriber_id, about) DO UPDATE SET memory = excluded.memory, at = excluded.at`,
      id,
      about[part],
      JSON.stringify(kept[part]),
      context.now(),
    );
  }
}

function aboutOf(event: Event): { deploy: string; target: string } | null {
  const deploy = event.data["deploy"] as { id: string; target: string } | undefined;
  return deploy === undefined
    ? null
    : { deploy: `deploy/${deploy.id}`, target: `target/${deploy.target}` };
}
