import { err, ok, type Result } from "../../result.ts";
import type { HookAuth } from "../../project/hook-settings.ts";
import { hmac, type HmacScheme, type Scheme } from "../verify/scheme.ts";
import type { Mode, Source } from "./source.ts";

/** The ways of proving that many senders share, and the choice among those of one source. */

type Words = Pick<Mode, "paste" | "steps">;
type Maker = { readonly secret?: Mode["secret"] };

/** A body (or more) signed with a secret that both sides know. */
export function signed(
  header: string,
  more: Partial<Omit<HmacScheme, "kind">>,
  { secret = "made", ...words }: Words & Maker,
): Mode {
  return {
    title: "Signed with a secret",
    options: [],
    scheme: () => hmac(header, more),
    secret,
    ...words,
  };
}

/** HTTP Basic, for senders that sign nothing. */
export function basic(words: Words): Mode {
  return {
    title: "HTTP Basic authentication",
    options: ["username"],
    scheme: ({ username = "signalbox" }) => ({ kind: "basic", username }),
    secret: "made",
    ...words,
  };
}

/** The secret in a header of the user's choice. */
export const SECRET_HEADER = "X-Signalbox-Secret";
export function header(words: Words): Mode {
  return {
    title: "Secret in a header",
    options: ["header", "prefix"],
    scheme: ({ header: name = SECRET_HEADER, prefix = "" }) => ({
      kind: "header",
      header: name,
      prefix,
    }),
    secret: "made",
    ...words,
  };
}

export function bearer(words: Words): Mode {
  return {
    title: "Bearer token",
    options: [],
    scheme: () => ({ kind: "header", header: "Authorization", prefix: "Bearer " }),
    secret: "made",
    ...words,
  };
}

/** For senders that can do nothing but post to a URL. */
export function urlOnly(words: Words): Mode {
  return {
    title: "Secret URL",
    options: [],
    scheme: () => ({ kind: "url" }),
    secret: "none",
    ...words,
  };
}

export const standard = (
  prefixes: readonly [string, ...string[]],
  { secret = "made", ...words }: Words & Maker,
): Mode => ({
  title: "Standard Webhooks signature",
  options: [],
  scheme: () => ({ kind: "standard", prefixes }),
  secret,
  ...words,
});

/** Said when a body arrives form-encoded, which hides the JSON that is needed. */
export const formHint = (title: string): string =>
  `${title} sent a form. In the webhook's settings there, set the content type to application/json.`;

export interface Chosen {
  readonly mode: Mode;
  readonly scheme: Scheme;
}

/** The mode that `auth` chooses, or which field of it is wrong. */
export function chooseMode(
  source: Source,
  auth: HookAuth,
): Result<Chosen, { readonly field: string; readonly detail: string }> {
  const names = Object.keys(source.modes);
  const { mode: name = names[0] ?? "", ...options } = auth;
  const mode = Object.hasOwn(source.modes, name) ? source.modes[name] : undefined;
  if (mode === undefined) {
    const detail = `${source.title} has no mode ${name}. Choose one of: ${names.join(", ")}.`;
    return err({ field: "auth.mode", detail });
  }
  const stray = Object.entries(options).find(
    ([option, value]) => value !== undefined && !mode.options.includes(option as keyof HookAuth),
  );
  if (stray !== undefined) {
    const takes =
      mode.options.length === 0 ? "takes no options" : `takes ${mode.options.join(", ")}`;
    return err({ field: `auth.${stray[0]}`, detail: `Mode ${name} of ${source.title} ${takes}.` });
  }
  const wrong = mode.check?.(auth) ?? null;
  return wrong === null ? ok({ mode, scheme: mode.scheme(auth) }) : err(wrong);
}

/** What to paste at the sender, filled in. A line that needs a secret nobody has made yet is left out. */
export function pasteOf(
  { mode, scheme }: Chosen,
  values: { readonly url: string; readonly secret: string | null },
): { label: string; value: string }[] {
  const options = scheme as { header?: string; prefix?: string; username?: string };
  const { header: name = "", prefix = "", username = "" } = options;
  const fill = (text: string): string =>
    text
      .replace("{url}", () => values.url)
      .replace("{header}", () => name)
      .replace("{prefix}", () => prefix)
      .replace("{username}", () => username)
      .replace("{secret}", () => values.secret ?? "");
  return mode.paste
    .filter(([, value]) => values.secret !== null || !value.includes("{secret}"))
    .map(([label, value]) => ({ label: fill(label), value: fill(value) }));
}
