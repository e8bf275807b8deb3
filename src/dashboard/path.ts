/** A path of our own; anything else is the start page. */
export function ownPath(path: string | null): string {
  return path !== null && /^\/(?![/\\])[!-~]{0,500}$/.test(path) ? path : "/";
}
