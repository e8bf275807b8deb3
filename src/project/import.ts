import { err, ok, type Result } from "../result.ts";
import { hasSchema } from "../sql.ts";
import type { Context } from "./context.ts";
import { type ImportHeader, Loading, type Remark, Unfit } from "./load.ts";
import type { PortableKind } from "./portable.ts";
import type { Cell } from "./portable-fields.ts";
import { receive } from "./receive.ts";
import { NO_PROJECT, type Refusal } from "./refusal.ts";
import { discardUpload, dropUpload } from "./uploads.ts";

/** One line as the edge hands it over, which has checked it: one for each line of the file, so that they are counted alike. */
export type ImportLine =
  | readonly ["signalbox", ImportHeader]
  | readonly [PortableKind, Record<string, Cell>]
  | readonly ["end"];

export interface Imported {
  readonly from: string;
  readonly imported: Readonly<Record<string, number>>;
  readonly remarks: readonly Remark[];
}

/**
 * Takes in what was exported: the lines are stored as they stream in, as an upload's are, and become rows in one transaction
 * when all are here. Whatever ends it before leaves nothing, for the sweeper takes what was stored.
 */
export async function importInto(
  context: Context,
  id: string,
  body: ReadableStream<Uint8Array>,
  by: string,
): Promise<Result<Imported, Refusal>> {
  const against = whyNot(context, id);
  if (against !== null) {
    await body.cancel().catch(() => undefined);
    return err(against);
  }
  const stored = await receive(context, id, "application/x-ndjson", body, false);
  if (!stored.ok) {
    return stored;
  }
  try {
    return ok(context.change(() => load(context, id, by)));
  } catch (error) {
    if (!hasSchema(context.sql)) {
      return err(NO_PROJECT); // The project was removed meanwhile.
    }
    discardUpload(context, id);
    if (error instanceof Unfit) {
      return err(error.refusal);
    }
    throw error;
  }
}

const MUST_BE_EMPTY = {
  deploys: "deploys",
  hooks: "hooks",
  subscribers: "subscribers",
  schedules: "schedules",
  trust: "trust rules",
  locks: "locks",
} as const;

/** What is there already would have to be weighed against what comes: so there must be nothing. */
function whyNot({ sql }: Context, id: string): Refusal | null {
  const there = Object.entries(MUST_BE_EMPTY).find(
    ([table]) => sql.one(`SELECT 1 AS x FROM ${table} LIMIT 1`) !== null,
  );
  if (there !== undefined) {
    return {
      code: "conflict",
      detail: `This project has ${there[1]} already. Import into one that was just registered: delete this one here and register it again, or take another.`,
    };
  }
  return sql.one("SELECT 1 AS x FROM uploads WHERE id <> ?", id) === null
    ? null
    : {
        code: "conflict",
        detail: "An upload to this project, or another import, is under way. Try again later.",
      };
}

/** Everything, or a throw. Inside the caller's transaction. */
function load(context: Context, id: string, by: string): Imported {
  const against = whyNot(context, id);
  if (against !== null) {
    throw new Unfit(against.code, against.detail);
  }
  const lines = linesOf(context, id);
  const first = lines.next().value;
  if (first?.[0] !== "signalbox") {
    throw new Unfit("upload_incomplete", CUT);
  }
  const loading = new Loading(context, first[1]);
  let ended = false;
  for (const line of lines) {
    loading.n += 1;
    ended = line[0] === "end";
    if (line[0] !== "end" && line[0] !== "signalbox") {
      loading.take(line[0], line[1]);
    }
  }
  if (!ended) {
    throw new Unfit("upload_incomplete", CUT);
  }
  const { project: from } = first[1];
  loading.finish(by, from);
  dropUpload(context, id);
  return { from, imported: loading.counts, remarks: loading.remarks };
}

const CUT = "The body ended before it was whole. Send it again.";

function* linesOf({ sql }: Context, id: string): Generator<ImportLine, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for (let n = 0; ; n++) {
    const chunk = sql.one<{ data: ArrayBuffer }>(
      "SELECT data FROM upload_chunks WHERE upload_id = ? AND n = ?",
      id,
      n,
    );
    if (chunk === null) {
      return;
    }
    const lines = (rest + decoder.decode(chunk.data, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      yield JSON.parse(line) as ImportLine;
    }
  }
}
