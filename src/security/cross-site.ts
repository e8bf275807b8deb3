/**
 * Whether a page of another site may have made a browser send this request. Who is let in by Access proves nothing by that: the
 * browser sends Access's cookie along whoever asks it to, and Access turns that into the header which we believe. What a
 * page can't forge is how the browser describes the request. Clients that are no browsers say neither, and have no cookies
 * that somebody else could use.
 */
export function isCrossSite(headers: Headers, own: readonly string[]): boolean {
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  const unsaid = site === null && origin === null;
  const ours =
    site === "same-origin" || site === "none" || (origin !== null && own.includes(origin));
  return !unsaid && !ours;
}
