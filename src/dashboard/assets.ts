import client from "../../out/assets/dashboard.client.js";
import style from "../../out/assets/dashboard.css";
import reference from "../../out/assets/reference.client.js";
import referenceStyle from "../../out/assets/reference.css";

/** What a page loads: the Worker's own texts, built of assets/ and under addresses that change with their content. */

const POST = "M5 15V2M2.5 15h5";
const drawing = (light: string, dark: string, arm: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><style>g{stroke:${light};fill:${light}}@media(prefers-color-scheme:dark){g{stroke:${dark};fill:${dark}}}</style><g>${arm}</g></svg>`;
const ink = (arm: string): string => drawing("#17211d", "#e5ebe8", arm);
const post = `<path fill="none" stroke-width="1.6" d="${POST}"/>`;
const level = '<path stroke="none" d="M5 1.8h9v4H5z"/>';

const FILES = {
  "style.css": ["text/css; charset=utf-8", style],
  "client.js": ["text/javascript; charset=utf-8", client],
  "reference.css": ["text/css; charset=utf-8", referenceStyle],
  "reference.js": ["text/javascript; charset=utf-8", reference],
  "clear.svg": [
    "image/svg+xml",
    ink(`${post}<path stroke="none" transform="rotate(-42 5 4)" d="M5 1.8h9v4H5z"/>`),
  ],
  "stop.svg": ["image/svg+xml", ink(post + level)],
  "held.svg": ["image/svg+xml", drawing("#7d5000", "#e0b04c", post + level)],
  "failed.svg": [
    "image/svg+xml",
    drawing("#b01a30", "#ff8d93", '<path stroke="none" d="M8 .8 15.2 8 8 15.2.8 8z"/>'),
  ],
} as const;

export type AssetName = keyof typeof FILES;

/** FNV-1a: tells one content from another, and guards nothing. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) {
    hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193) >>> 0;
  }
  return hash.toString(36) + text.length.toString(36);
}

const versions = new Map<string, string>(
  Object.entries(FILES).map(([name, [, text]]) => [name, fingerprint(text)]),
);

export function assetUrl(name: AssetName): string {
  return `/assets/${versions.get(name)}/${name}`;
}

/** null: there is none of this name and content. */
export function asset(version: string, name: string): Response | null {
  if (versions.get(name) !== version) {
    return null;
  }
  const [type, text] = FILES[name as AssetName];
  return new Response(text, {
    headers: { "content-type": type, "cache-control": "public, max-age=31536000, immutable" },
  });
}
