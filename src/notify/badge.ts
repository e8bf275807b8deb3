import type { BadgeState } from "../project/badge.ts";

/** Words, their width in a 11 px sans serif, and the colour behind them. No foreign text is ever in a badge. */
const LOOKS: Readonly<Record<BadgeState, readonly [text: string, width: number, colour: string]>> =
  {
    never: ["not deployed", 82, "#6b7280"],
    running: ["deploying", 64, "#2563eb"],
    live: ["live", 32, "#15803d"],
    failed: ["failed", 44, "#b91c1c"],
  };
const LABEL = 50;

/** A badge as READMEs show them. Colour is never all that tells: the word does. */
export function badgeSvg(state: BadgeState): string {
  const [text, width, colour] = LOOKS[state];
  const all = LABEL + width;
  const middle = LABEL + width / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${all}" height="20" role="img" aria-label="deploy: ${text}"><title>deploy: ${text}</title><clipPath id="r"><rect width="${all}" height="20" rx="3"/></clipPath><g clip-path="url(#r)"><rect width="${LABEL}" height="20" fill="#374151"/><rect x="${LABEL}" width="${width}" height="20" fill="${colour}"/></g><g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11"><text x="${LABEL / 2}" y="14">deploy</text><text x="${middle}" y="14">${text}</text></g></svg>`;
}
