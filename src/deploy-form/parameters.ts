const PARAMETER =
  /;[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~-]+))[ \t]*/sy;

/**
 * The parameters in a header value from `start` on (`; name="a"; filename="b"`), names in lower case, or null when
 * anything else is there or one is given twice. Backslash and percent escapes stay as they were sent: senders disagree
 * about them, and nothing known to us needs one.
 */
export function parseParameters(value: string, start: number): Map<string, string> | null {
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = start;
  let at = start;
  while (at < value.length) {
    const match = PARAMETER.exec(value);
    const key = match?.[1]?.toLowerCase();
    if (match === null || key === undefined || parameters.has(key)) {
      return null;
    }
    parameters.set(key, match[2] ?? match[3] ?? "");
    at = PARAMETER.lastIndex;
  }
  return parameters;
}
