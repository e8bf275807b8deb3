import * as z from "zod";
import type { Context } from "hono";

import { quoted } from "../deploy-form/problem.ts";
import { chooseMode } from "../hooks/sources/modes.ts";
import { findSource } from "../hooks/sources/index.ts";
import { KINDS, type SubscriberKind } from "../notify/kinds.ts";
import { Problem } from "../problem.ts";
import { EXPORT_VERSION } from "../project/export.ts";
import type { HookSettings } from "../project/hook-settings.ts";
import type { ImportLine } from "../project/import.ts";
import { PORTABLE, type Portable, type PortableKind } from "../project/portable.ts";
import { readRow } from "../project/portable-rows.ts";
import type { Cell } from "../project/portable-fields.ts";
import { MIGRATIONS } from "../project/schema.ts";
import type { AppEnv } from "./context.ts";
import { type LineChecker, LineFault } from "./import-lines.ts";
import { placeAt } from "./subscriber-place.ts";
import { checkUrl } from "./subscriber-secrets.ts";

type Row = Record<string, Cell>;

/** What is needed of it; what else it says is for people. */
const Header = z.object({
  version: z.int().min(1),
  schema: z.int().min(0),
  project: z.string().min(1).max(100),
  upstream_id: z.string().max(100),
});
const End = z.strictObject({ lines: z.int().min(0) });

/** What each line must be for itself, with what the edge alone can tell: whose hooks there are, and where events may go. */
export function checkerOf(c: Context<AppEnv>): LineChecker {
  const counts = new Map<PortableKind, number>();
  return (kind, data, lines): ImportLine => {
    if (kind === "signalbox") {
      return [kind, headerIn(data)];
    }
    if (kind === "end") {
      const end = End.safeParse(data);
      if (!end.success || end.data.lines !== lines) {
        throw new LineFault(
          `there are ${lines} lines before this one, which is not what it says. Take the export again.`,
        );
      }
      return [kind];
    }
    if (!isPortable(kind)) {
      throw new LineFault(`its kind ${quoted(kind)} is not known here. ${NEWER}`);
    }
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const { most = Infinity }: Portable = PORTABLE[kind];
    if (count > most) {
      throw new LineFault(`there are more than ${most} of the kind ${kind}.`);
    }
    return [kind, rowIn(c, kind, data)];
  };
}

const NEWER = "If a newer version made this export, update Signalbox first.";

function headerIn(data: unknown): z.infer<typeof Header> {
  const header = Header.safeParse(data);
  if (!header.success) {
    throw new LineFault(
      "this is not the first line of an export. Send what GET …/export answered.",
    );
  }
  const { version, schema } = header.data;
  if (version > EXPORT_VERSION || schema > MIGRATIONS.length) {
    throw new LineFault(
      "a newer version of Signalbox has made this export. Update this one first.",
    );
  }
  return header.data;
}

function isPortable(kind: string): kind is PortableKind {
  return Object.hasOwn(PORTABLE, kind);
}

function rowIn(c: Context<AppEnv>, kind: PortableKind, data: unknown): Row {
  let read: ReturnType<typeof readRow>;
  try {
    read = readRow(kind, data);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new LineFault(`${kind}: is nested too deep.`);
    }
    throw error;
  }
  if (!read.ok) {
    throw new LineFault(`${read.error}. ${NEWER}`);
  }
  const row = { ...read.value };
  return kind === "hook" ? hookIn(c, row) : kind === "subscriber" ? subscriberIn(c, row) : row;
}

function hookIn(c: Context<AppEnv>, row: Row): Row {
  const source = findSource(String(row["source"]));
  const { auth } = JSON.parse(String(row["settings"])) as HookSettings;
  const chosen = source === null ? null : chooseMode(source, auth);
  if (!chosen?.ok) {
    throw new LineFault(
      `hook: ${chosen?.error.detail ?? `its source is not known here. ${NEWER}`}`,
    );
  }
  const { keyring } = c.var.config;
  const key = String(row["url_key"]);
  return {
    ...row,
    awaiting_secret: Number(chosen.value.mode.secret !== "none"),
    url_key: keyring.ids().includes(key) ? key : keyring.current,
  };
}

/** Where it is told may have been fine elsewhere and be our own address here. */
function subscriberIn(c: Context<AppEnv>, row: Row): Row {
  const kind = row["kind"] as SubscriberKind;
  try {
    if (KINDS[kind].proof === "token") {
      const { host, url } = placeAt(c, kind, JSON.parse(String(row["host"])) as object);
      return { ...row, host: JSON.stringify(host), url };
    }
    checkUrl(c, "url", String(row["url"]));
    return { ...row, host: "{}" };
  } catch (error) {
    throw error instanceof Problem ? new LineFault(`subscriber: ${error.message}`) : error;
  }
}
