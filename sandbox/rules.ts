/** The parts of `_redirects` and `_headers` that a local look at a site needs: exact paths and one `*`. */

const HEADER = /^[\w!#$%&'*+.^`|~-]+\s*:[ -~]*$/;
const STATUSES = [200, 301, 302, 303, 307, 308];

export interface Redirect {
  to: string;
  status: number;
}

/** The first rule that matches a path. */
export function redirectFor(file: string, path: string): Redirect | null {
  for (const line of lines(file)) {
    const [from, to, status = "302"] = line.trim().split(/\s+/);
    if (from !== undefined && to !== undefined && STATUSES.includes(Number(status))) {
      const splat = match(from, path);
      if (splat !== null) {
        const target = to.replace(":splat", () => splat);
        return { to: target.replaceAll(/[^ -~]/gu, encodeURIComponent), status: Number(status) };
      }
    }
  }
  return null;
}

/** The headers all matching rules set; a null value takes one away. */
export function headersFor(
  file: string,
  path: string,
): Array<[name: string, value: string | null]> {
  const found: Array<[string, string | null]> = [];
  let applies = false;
  for (const line of lines(file)) {
    const text = line.trim();
    if (!/^\s/.test(line)) {
      applies = match(text.replace(/^https?:\/\/[^/]+/, ""), path) !== null;
    } else if (applies) {
      const colon = text.indexOf(":");
      if (/^! [\w-]+$/.test(text)) {
        found.push([text.slice(2).trim(), null]);
      } else if (HEADER.test(text)) {
        found.push([text.slice(0, colon).trim(), text.slice(colon + 1).trim()]);
      }
    }
  }
  return found;
}

function lines(file: string): string[] {
  return file.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
}

/** What `*` stands for, "" for an exact match, null for none. */
function match(pattern: string, path: string): string | null {
  const star = pattern.indexOf("*");
  if (star < 0) {
    return pattern === path ? "" : null;
  }
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return path.startsWith(before) &&
    path.endsWith(after) &&
    path.length >= before.length + after.length
    ? path.slice(before.length, path.length - after.length)
    : null;
}
