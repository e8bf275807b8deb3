/**
 * The one place where a URL of the Cloudflare API is made. Parameters come from people (project names, branch filters,
 * deployment ids), and a stored credential goes along: an encoded slash or a dot segment must not reach another API.
 *
 * @throws when the finished path is not exactly the segments that were asked for.
 */
export function apiUrl(
  base: string,
  segments: readonly string[],
  query: Readonly<Record<string, string | number | undefined>> = {},
): URL {
  const path = segments.map((segment) => encodeURIComponent(segment)).join("/");
  const url = new URL(`${base}/${path}`);
  const expected = `${new URL(base).pathname.replace(/\/+$/, "")}/${path}`;
  const hostile = segments.some((s) => s === "" || s === "." || s === ".." || /[/\\%\0]/.test(s));
  if (url.pathname !== expected || hostile) {
    throw new Error("cloudflare: a path parameter is not a plain segment");
  }
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) {
      url.searchParams.set(key, String(value));
    }
  }
  return url;
}
