import * as z from "zod";

/** What the hosts' settings are made of. */

const NAME = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}";

/** `owner/name`. */
export const Repository = z.string().regex(new RegExp(`^${NAME}/${NAME}$`), 'must be "owner/name"');

/** The API of a host that people run themselves, with its version: `https://git.example.com/api/v1`. */
export const ApiUrl = z
  .string()
  .max(255)
  .refine(isBase, "must be an https:// URL without user, query and fragment")
  .transform((url) => url.replace(/\/+$/, ""));

/** What can stand in a header as it is. */
export const Token = z
  .string()
  .regex(/^[\x21-\x7e]{1,500}$/, "must be a token: printable characters without blanks");

function isBase(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === "https:" && url.username === "" && !/[?#@\s\\]/.test(text);
}
