/**
 * Whether a name fits a pattern: `*` is any text within one part of a path, `**` any text at all, `?` one character.
 * Written by hand for its bound: names are chosen by strangers, and a pattern turned into a regular expression can take
 * exponential time on them. This takes length of pattern times length of name.
 */
export function globMatches(pattern: string, name: string): boolean {
  const tokens = pattern.match(/\*\*\/?|[^]/gu) ?? [];
  const characters = Array.from(name);
  // reached[i]: the tokens so far can have taken the first i characters.
  let reached = characters.map(() => false);
  reached.unshift(true);
  for (const token of tokens) {
    const next = reached.map(() => false);
    let open = false;
    for (const [i, here] of reached.entries()) {
      const before = characters[i - 1];
      switch (token) {
        case "**":
          open ||= here;
          next[i] = open;
          break;
        case "**/":
          // Any number of whole parts, none included.
          next[i] = here || (open && before === "/");
          open ||= here;
          break;
        case "*":
          open = here || (open && before !== "/");
          next[i] = open;
          break;
        default:
          next[i] =
            (reached[i - 1] ?? false) && (token === "?" ? before !== "/" : token === before);
      }
    }
    if (!next.includes(true)) {
      return false;
    }
    reached = next;
  }
  return reached.at(-1) ?? false;
}

/** Whether a rule lets a name through: it is included (everything is, when nothing is named) and not excluded. */
export function globAllows(
  { include, exclude }: { include: readonly string[]; exclude: readonly string[] },
  name: string,
): boolean {
  const fits = (pattern: string): boolean => globMatches(pattern, name);
  return (include.length === 0 || include.some(fits)) && !exclude.some(fits);
}
