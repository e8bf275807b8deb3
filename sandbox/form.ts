/** The body of Create deployment, read whole and kept byte for byte. */
import { bytesToHex } from "@noble/hashes/utils.js";
import * as errors from "./errors.ts";
import type { FormPart, Store, StoredForm } from "./types.ts";

const TEXT_KEPT = 64 * 1024;

export interface Form {
  contentType: string | null;
  bodySha256: string | null;
  parts: Array<{ part: FormPart; bytes: Uint8Array }>;
}

/** A body that isn't multipart has no fields: the documented cron example sends `application/json` and nothing else. */
export async function readForm(
  contentType: string | null,
  body: Uint8Array<ArrayBuffer>,
): Promise<Form> {
  const form: Form = {
    contentType,
    bodySha256: body.length > 0 ? await sha256(body) : null,
    parts: [],
  };
  if (!contentType?.toLowerCase().startsWith("multipart/form-data")) {
    return form;
  }
  for (const [name, value] of await parse(contentType, body)) {
    const text = typeof value === "string";
    const bytes = new Uint8Array(
      text ? new TextEncoder().encode(value) : await value.arrayBuffer(),
    );
    const part = {
      name,
      filename: text ? null : value.name,
      content_type: text ? null : value.type,
      size: bytes.length,
      sha256: await sha256(bytes),
      text: text && bytes.length <= TEXT_KEPT ? value : null,
    };
    form.parts.push({ part, bytes });
  }
  return form;
}

async function parse(
  contentType: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<Iterable<[string, File | string]>> {
  try {
    const data = await new Response(body, { headers: { "content-type": contentType } }).formData();
    return data;
  } catch {
    throw errors.badRequest("The multipart body could not be read.");
  }
}

/** A field as text; the first of that name. */
export function field(form: Form, name: string): string | undefined {
  const found = form.parts.find(({ part }) => part.name === name);
  return found && new TextDecoder().decode(found.bytes);
}

export function saveForm(store: Store, deployment: string, form: Form): void {
  const stored: StoredForm = {
    deployment,
    content_type: form.contentType,
    body_sha256: form.bodySha256,
    parts: form.parts.map(({ part }) => part),
  };
  store.put("forms", deployment, stored);
  for (const [index, { bytes }] of form.parts.entries()) {
    store.put("parts", `${deployment}/${index}`, bytes);
  }
}

export function storedForm(store: Store, deployment: string): StoredForm | null {
  return (store.get("forms", deployment) as StoredForm | undefined) ?? null;
}

/** A stored part's bytes, by name. */
export function storedPart(store: Store, deployment: string, name: string): Uint8Array | undefined {
  const index = storedForm(store, deployment)?.parts.findIndex((part) => part.name === name) ?? -1;
  return index < 0 ? undefined : (store.get("parts", `${deployment}/${index}`) as Uint8Array);
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return bytesToHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
