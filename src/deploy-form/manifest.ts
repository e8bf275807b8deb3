import { quoted, refuse } from "./problem.ts";
import { decodeField } from "./text.ts";

/** What a direct upload's manifest says: how many paths it has, and each asset's hash once. */
export interface Manifest {
  readonly entries: number;
  readonly hashes: readonly string[];
}

const HASH = /^[\da-f]{32}$/i;
const BOM = "\uFEFF";

/** Reads a part that has to be a JSON object. */
export function readJsonObject(name: string, bytes: Uint8Array): Record<string, unknown> {
  const text = decodeField(name, bytes);
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith(BOM) ? text.slice(1) : text);
  } catch {
    return refuse("json_invalid", `${name} is not valid JSON. Send a JSON object.`, name);
  }
  if (!isObject(value)) {
    return refuse("json_invalid", `${name} is JSON, but not an object. Send a JSON object.`, name);
  }
  return value;
}

/** Reads the map from paths to asset hashes. */
export function readManifest(bytes: Uint8Array, maxEntries: number): Manifest {
  const entries = Object.entries(readJsonObject("manifest", bytes));
  if (entries.length > maxEntries) {
    refuse(
      "manifest_too_many_entries",
      `The manifest has ${entries.length} entries; ${maxEntries} are allowed. Deploy fewer files.`,
      "manifest",
    );
  }
  const hashes = new Set<string>();
  for (const [path, hash] of entries) {
    if (path === "" || typeof hash !== "string" || !HASH.test(hash)) {
      return refuse(
        "manifest_invalid",
        `The manifest's entry ${quoted(path)} must map a path to the asset's hash, 32 hexadecimal digits.`,
        "manifest",
      );
    }
    hashes.add(hash);
  }
  return { entries: entries.length, hashes: [...hashes] };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
