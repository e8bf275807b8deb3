import { readDeployForm } from "../../../src/deploy-form/read.ts";
import { newId } from "../../../src/ids.ts";
import type { Answered } from "../../../src/project/accept.ts";
import type { World } from "./world.ts";

/** Puts assets where Cloudflare wants them before a direct upload, and returns the manifest that names them. */
export async function putAssets(
  world: World,
  files: Record<string, string>,
): Promise<Record<string, string>> {
  const { blake3 } = await import("@noble/hashes/blake3.js");
  const base = "https://api.cloudflare.test/client/v4";
  const token = await world.sandbox.fetch(
    new Request(
      `${base}/accounts/${world.sandbox.accountId}/pages/projects/${world.name}/upload-token`,
      {
        headers: { authorization: `Bearer ${world.sandbox.token}` },
      },
    ),
  );
  const { result } = await token.json<{ result: { jwt: string } }>();
  const manifest: Record<string, string> = {};
  const payload = Object.entries(files).map(([path, text]) => {
    const value = btoa(text);
    const extension = path.split(".").at(-1) ?? "";
    const digest = blake3(new TextEncoder().encode(value + extension));
    const key = [...digest]
      .map((b) => b.toString(16).padStart(2, "0"))
      .join("")
      .slice(0, 32);
    manifest[path] = key;
    return { key, value, metadata: { contentType: "text/html" }, base64: true };
  });
  const headers = { authorization: `Bearer ${result.jwt}`, "content-type": "application/json" };
  await world.sandbox.fetch(
    new Request(`${base}/pages/assets/upload`, {
      method: "POST",
      headers,
      body: JSON.stringify(payload),
    }),
  );
  return manifest;
}

export interface UploadOptions {
  readonly branch?: string;
  readonly message?: string;
  readonly files?: Record<string, string>;
}

/** The multipart form of one small site, as wrangler would send it. */
export async function siteForm(world: World, options: UploadOptions = {}): Promise<Request> {
  const manifest = await putAssets(world, options.files ?? { "/index.html": "<h1>hi</h1>" });
  const form = new FormData();
  form.set("manifest", JSON.stringify(manifest));
  form.set("branch", options.branch ?? "main");
  form.set("commit_hash", newId("dpl").slice(-20).toLowerCase().padEnd(40, "0"));
  form.set("commit_message", options.message ?? "site");
  form.set("commit_dirty", "false");
  return new Request("https://signalbox.test/", { method: "POST", body: form });
}

/** What the API door does with a form: check it while it streams into the project, then accept it. */
export async function upload(world: World, request: Request): Promise<Answered> {
  const contentType = request.headers.get("content-type") ?? "";
  const bytes = await request.arrayBuffer();
  return world.retrying(async () => {
    const id = newId("upl");
    const { stream, form } = readDeployForm(new Response(bytes).body, contentType);
    const [stored, read] = await Promise.all([world.stub().receive(id, contentType, stream), form]);
    if (!stored.ok) {
      throw new Error(`${stored.error.code}: ${stored.error.detail}`);
    }
    if (!read.ok) {
      throw new Error(`${read.error.code}: ${read.error.detail}`);
    }
    return world.accept({
      kind: "upload",
      branch: read.value.fields.branch ?? null,
      form: read.value.fields,
      content_hash: read.value.content_hash,
      upload: {
        id,
        bytes: read.value.bytes,
        parts: read.value.parts.map(({ name, at, size }) => ({ name, at, size })),
        hashes: read.value.manifest?.hashes ?? [],
      },
    });
  });
}
