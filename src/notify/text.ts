/** What others wrote, made fit to stand in a chat message: nothing unseen, one line, within a limit. Pure. */

/**
 * What has no shape of its own, or turns the text around it about: control, format and zero-width characters. One that
 * joins two emoji into one is seen.
 */
const UNSEEN =
  /(?!(?<=\p{Extended_Pictographic}\p{Emoji_Modifier}?\uFE0F?)\u200D(?=\p{Extended_Pictographic}))[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034F\u115F\u1160\u17B4\u17B5\u3164\uFFA0]/gu;
/** Colours and cursor moves of terminals. */
const ANSI = /\p{Cc}\[[0-9;?]*[ -/]*[@-~]/gu;
const RIGHT_TO_LEFT =
  /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFE\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;
/** Longer than any limit here: no more of an endless text is looked at. */
const LOOKED_AT = 10_000;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

export function withoutColours(text: string): string {
  return text.replace(ANSI, "");
}

/** A line with � for what would be unseen. */
export function seen(line: string): string {
  return line.toWellFormed().replace(UNSEEN, "\uFFFD");
}

/** All lines as one of at most `limit` UTF-16 units, in whole characters, with � for what would be unseen. */
export function joined(text: string, limit: number): string {
  return cut(seen(text.slice(0, LOOKED_AT).replace(/[\t\r\n]+/g, " ")), limit);
}

/** The first line that says something, with � for what would be unseen; empty where there is none. */
export function oneLine(text: string): string {
  const line = withoutColours(text.slice(0, LOOKED_AT))
    .trimStart()
    .split(/[\n\r\u2028\u2029]/, 1);
  return seen((line[0] ?? "").replace(/[\t\v\f ]+/g, " ").trim());
}

/**
 * As much of a text's line as fits, in whole characters as people see them, with an ellipsis where something is left out.
 * The limit counts UTF-16 units of what `escape` makes of it. Right-to-left text is set apart, so that it turns nothing
 * round that stands beside it.
 */
export function fit(
  text: string,
  limit: number,
  escape: (part: string) => string = (part) => part,
): string {
  const line = oneLine(text);
  if (!RIGHT_TO_LEFT.test(line)) {
    return cut(line, limit, escape);
  }
  return `\u2068${cut(line, limit - 2, escape)}\u2069`;
}

function cut(
  line: string,
  limit: number,
  escape: (part: string) => string = (part) => part,
): string {
  let whole = "";
  let shortened = "";
  for (const { segment } of graphemes.segment(line)) {
    const longer = whole + escape(segment);
    if (longer.length > limit) {
      return `${shortened}…`;
    }
    whole = longer;
    if (whole.length < limit) {
      shortened = whole;
    }
  }
  return whole;
}

/** A link that people may follow: http or https, and of a length that every vendor takes. */
export function safeUrl(url: string | null | undefined): string | null {
  const parsed = url == null ? null : URL.parse(url);
  if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
    return null;
  }
  const href = parsed.href.replace(/[|()<>*_~`\\]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return href.length > 300 ? null : href;
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 3_600), "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const from = parts.findIndex(([n]) => n > 0);
  return from < 0
    ? "0\u00A0s"
    : parts
        .slice(from, from + 2)
        .filter(([n]) => n > 0)
        .map(([n, unit]) => `${n}\u00A0${unit}`)
        .join(" ");
}

export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}
