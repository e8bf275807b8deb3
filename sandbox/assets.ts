/** The content-addressed store that manifests refer to. */
import { blake3 } from "@noble/hashes/blake3.js";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import * as errors from "./errors.ts";
import type { World } from "./world.ts";

export const MAX_FILES = 20_000;
export const MAX_FILE_SIZE = 25 * 1024 * 1024;

const HASH = /^[0-9a-f]{32}$/;

/** The name Cloudflare's clients give a file: a hash over its content in base64, followed by its extension. */
export function assetHash(base64: Uint8Array, extension: string): string {
  return bytesToHex(blake3(concatBytes(base64, utf8ToBytes(extension)), { dkLen: 16 }));
}

export function missing(world: World, hashes: string[]): string[] {
  return hashes.filter((hash) => world.assets.get(hash)?.known !== true);
}

/** Lets assets expire: later manifests can't refer to them. */
export function expire(world: World, hashes: string[]): void {
  for (const hash of hashes) {
    const asset = world.assets.get(hash);
    if (asset) {
      world.assets.put(hash, { ...asset, known: false });
    }
  }
}

/** Reads the hashes of a check-missing or upsert-hashes body. */
export function readHashes(body: unknown): string[] {
  const hashes = (body as { hashes?: unknown } | null)?.hashes;
  if (!Array.isArray(hashes) || !hashes.every((hash) => typeof hash === "string")) {
    throw errors.badRequest('The body must be {"hashes": [string, …]}.');
  }
  return hashes;
}

/** Stores one bucket of files. The extension, a part of the hash, isn't known here: see `verifyAsset`. */
export function upload(world: World, body: unknown): void {
  if (!Array.isArray(body)) {
    throw errors.badRequest("The body must be an array of files.");
  }
  for (const file of body as Array<Record<string, unknown> | null>) {
    const { key, value, metadata, base64 } = file ?? {};
    const contentType = (metadata as { contentType?: unknown } | undefined)?.contentType;
    if (typeof key !== "string" || !HASH.test(key)) {
      throw errors.badRequest("Each file needs a key of 32 hexadecimal digits.");
    }
    if (base64 !== true || typeof value !== "string" || !isBase64(value)) {
      throw errors.badRequest(`The value of ${key} must be base64, with "base64": true.`);
    }
    if ((value.length * 3) / 4 > MAX_FILE_SIZE + 2) {
      throw errors.tooLarge(`The file ${key} is larger than 25 MiB.`);
    }
    world.store.put("blobs", key, utf8ToBytes(value));
    world.assets.put(key, {
      known: true,
      content_type: typeof contentType === "string" ? contentType : "application/octet-stream",
      extensions: [],
    });
  }
}

/** Whether a stored file is what the manifest calls it. */
export function verifyAsset(world: World, path: string, hash: string): boolean {
  const asset = world.assets.get(hash);
  const extension = extensionOf(path);
  if (!asset || asset.extensions.includes(extension)) {
    return asset !== undefined;
  }
  const blob = world.store.get("blobs", hash) as Uint8Array;
  if (assetHash(blob, extension) !== hash) {
    return false;
  }
  world.assets.put(hash, { ...asset, extensions: [...asset.extensions, extension] });
  return true;
}

export function assetBytes(world: World, hash: string): Uint8Array<ArrayBuffer> | undefined {
  const blob = world.store.get("blobs", hash) as Uint8Array | undefined;
  return blob && decodeBase64(new TextDecoder().decode(blob));
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) {
    bytes[index] = binary.charCodeAt(index);
  }
  return bytes;
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** The last extension without its dot, as `path.extname` sees it: a leading dot starts a name, not an extension. */
function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1) : "";
}
