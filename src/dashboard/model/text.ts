import { seen } from "../../notify/text.ts";
import { moment, distance, type Clock } from "./time.ts";

/** A piece of a sentence. What others wrote is kept apart from ours, so that it can't reorder or rewrite it. */
export type Piece =
  | string
  | { readonly foreign: string }
  | { readonly hash: string }
  | { readonly at: number; readonly text: string }
  /** How long something has been so, which goes on while it is read. */
  | { readonly since: number; readonly text: string }
  | { readonly href: string; readonly text: string };

export type Sentence = readonly Piece[];

/** What somebody else wrote, with all of it visible. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(/[^\n\t]+/g, seen);
}

/** The first line of a message that is not blank; null when there is none. */
export function firstLine(message: string | null): string | null {
  const line = visible(message ?? "")
    .split("\n")
    .map((each) => each.replaceAll("\t", " ").trim())
    .find((each) => each !== "");
  return line ?? null;
}

/** The lines after the first, at most ten. */
export function furtherLines(message: string | null): string[] {
  const lines = visible(message ?? "")
    .trim()
    .split("\n");
  return lines
    .slice(1)
    .join("\n")
    .trim()
    .split("\n")
    .slice(0, 10)
    .filter((line, n) => n > 0 || line !== "");
}

export function shortHash(hash: string | null): string | null {
  return hash === null ? null : visible(hash).slice(0, 7);
}

/** Only what a browser may follow. */
export function safeUrl(url: string): string | null {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? url : null;
}

/** A token's id is long and begins with its time: its end tells it from others. */
const TOKEN_ID = /\btok_[0-9A-Z]{22}([0-9A-Z]{4})\b/g;

export function person(actor: string): string {
  return visible(actor).replace(TOKEN_ID, "tok_…$1");
}

const CLOCK = /(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d(?::\d\d)?) UTC/g;
const DAY = 86_400_000;

/**
 * A reason with its clock times, which are UTC, in the reader's zone. A time without a date is the end that is known, or the
 * next one after the reason was given: reasons name what is to come, and dates when it is a day off. Where it is not known
 * when that was, it is of now.
 */
export function localized(
  text: string,
  until: number | null,
  clock: Clock,
  given: number | null = null,
): Sentence {
  const reason = text.replace(TOKEN_ID, "tok_…$1");
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of reason.matchAll(CLOCK)) {
    const [whole, date, time = ""] = match;
    const at = instantOf(date, time, until, given, clock);
    if (Number.isNaN(at)) {
      continue;
    }
    const away = at === until ? distance(at, clock) : null;
    const far = away !== null && date === undefined && time.length > 5 ? `, ${away}` : "";
    const soon = at - clock.now < 600_000;
    const then = moment(at, clock, soon && time.length > 5);
    const before = visible(reason.slice(from, match.index));
    // At 18:00, but tomorrow 18:00.
    pieces.push(/^\d/.test(then) ? before : before.replace(/ at $/, " "), { at, text: then }, far);
    from = match.index + whole.length;
  }
  pieces.push(visible(reason.slice(from)));
  return pieces.filter((piece) => piece !== "");
}

function instantOf(
  date: string | undefined,
  time: string,
  until: number | null,
  given: number | null,
  clock: Clock,
): number {
  if (date !== undefined) {
    return Date.parse(`${date}T${time}Z`);
  }
  if (until !== null && new Date(until).toISOString().slice(11).startsWith(time)) {
    return until;
  }
  if (given !== null) {
    const second = Math.floor(given / 1_000) * 1_000;
    const then = dayOf(second, time);
    return then < second ? then + DAY : then;
  }
  const today = dayOf(clock.now, time);
  const [nearest = today] = [today - DAY, today, today + DAY].sort(
    (a, b) => Math.abs(a - clock.now) - Math.abs(b - clock.now),
  );
  return nearest;
}

/** What a clock that shows UTC shows on the day of an instant. */
function dayOf(instant: number, time: string): number {
  return Date.parse(`${new Date(instant).toISOString().slice(0, 10)}T${time}Z`);
}

/** A sentence without its markup, for titles and labels. */
export function plain(sentence: Sentence): string {
  return sentence
    .map((piece) =>
      typeof piece === "string"
        ? piece
        : "foreign" in piece
          ? piece.foreign
          : "hash" in piece
            ? piece.hash
            : piece.text,
    )
    .join("");
}

/** One, two, … ten; digits beyond. */
export function counted(n: number): string {
  const names = [
    "No",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
  ];
  return names[n] ?? String(n);
}
