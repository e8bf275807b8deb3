import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readDeployForm } from "../../src/deploy-form/read.ts";

const MIB = 1_048_576;
const BOUNDARY = "----formdata-undici-012345678901";
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A form with one `_worker.bundle` of `size` bytes that don't repeat, sent in uneven chunks, and the hashes of both. */
function bundleForm(size: number) {
  const bundle = createHash("sha256");
  const body = createHash("sha256");
  function* chunks(): Generator<Uint8Array> {
    yield utf8(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="_worker.bundle"; filename="_worker.bundle"\r\nContent-Type: application/octet-stream\r\n\r\n`,
    );
    for (let left = size, round = 1; left > 0; round++) {
      const chunk = crypto.getRandomValues(new Uint8Array(Math.min(left, (round * 7919) % 65_536)));
      left -= chunk.length;
      bundle.update(chunk);
      yield chunk;
    }
    yield utf8(`\r\n--${BOUNDARY}--\r\n`);
  }
  const source = chunks();
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = source.next();
        if (done === true) {
          controller.close();
        } else {
          body.update(value);
          controller.enqueue(value);
        }
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, bundleHash: () => bundle.digest("hex"), bodyHash: () => body.digest("hex") };
}

async function sha256(stream: ReadableStream<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) {
    hash.update(chunk);
  }
  return hash.digest("hex");
}

describe("in the Workers runtime", () => {
  it("passes a bundle of 25 MiB byte for byte", async () => {
    const sent = bundleForm(25 * MIB);
    const { stream, form } = readDeployForm(sent.stream, TYPE);
    expect(await sha256(stream)).toBe(sent.bodyHash());
    expect(await form).toMatchObject({
      ok: true,
      value: {
        parts: [{ name: "_worker.bundle", size: 25 * MIB, sha256: sent.bundleHash() }],
        manifest: null,
      },
    });
  });

  it("fails the stream as soon as a bundle is larger", async () => {
    const sent = bundleForm(80 * MIB);
    const { stream, form } = readDeployForm(sent.stream, TYPE);
    let bytes = 0;
    const failure: unknown = await stream
      .pipeTo(
        new WritableStream({
          write(chunk) {
            bytes += chunk.length;
          },
        }),
      )
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "FormRefused", problem: { code: "part_too_large" } });
    expect(await form).toMatchObject({
      ok: false,
      error: { status: 413, code: "part_too_large", field: "_worker.bundle" },
    });
    expect(bytes).toBeGreaterThan(24 * MIB);
    expect(bytes).toBeLessThan(26 * MIB);
  });

  it("reads what the runtime's own FormData sends, as a byte stream", async () => {
    const data = new FormData();
    data.append("manifest", JSON.stringify({ "/index.html": "17453d0cfb9bacc76d9f30d3cb9ca048" }));
    data.append("branch", "feature/ü");
    data.append("commit_message", "two\nlines");
    data.append("commit_dirty", "false");
    data.append("_headers", new File(["/*\n  X-A: b\n"], "_headers"));
    data.append("unknown", new File(["x"], "日本.txt", { type: "text/plain" }));
    const send = async () => {
      const request = new Request("http://127.0.0.1/", { method: "POST", body: data });
      const type = request.headers.get("content-type");
      const { stream, form } = readDeployForm(request.body, type);
      const passed = new Response(stream, { headers: { "content-type": type ?? "" } });
      return { again: await passed.formData(), form: await form };
    };
    const { again, form } = await send();
    expect([...again.keys()]).toEqual([...data.keys()]);
    expect(form).toMatchObject({
      ok: true,
      value: {
        fields: { branch: "feature/ü", commit_message: "two\nlines", commit_dirty: false },
        manifest: { entries: 1, hashes: ["17453d0cfb9bacc76d9f30d3cb9ca048"] },
      },
    });
    const second = (await send()).form;
    expect(second.ok && second.value.content_hash).toBe(form.ok && form.value.content_hash);
    expect(second.ok && second.value.boundary).not.toBe(form.ok && form.value.boundary);
  });

  it("reads the empty form that the SDK sends for a build", async () => {
    const request = new Request("http://127.0.0.1/", { method: "POST", body: new FormData() });
    const { stream, form } = readDeployForm(request.body, request.headers.get("content-type"));
    await stream.pipeTo(new WritableStream());
    expect(await form).toMatchObject({ ok: true, value: { parts: [], manifest: null } });
  });

  it("takes no more from the body than its reader asks for", async () => {
    let pulled = 0;
    const chunks = [`--${BOUNDARY}`, "--", "\r\n", "\r\n", "\r\n"];
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const chunk = chunks[pulled];
          pulled += 1;
          if (chunk === undefined) {
            controller.close();
          } else {
            controller.enqueue(utf8(chunk));
          }
        },
      },
      { highWaterMark: 0 },
    );
    const { stream, form } = readDeployForm(body, TYPE);
    const reader = stream.getReader();
    expect((await reader.read()).value).toHaveLength(BOUNDARY.length + 2);
    await scheduler.wait(0);
    expect(pulled).toBeLessThanOrEqual(2);
    await reader.cancel("enough");
    expect(await form).toMatchObject({ ok: false, error: { code: "upload_interrupted" } });
  });

  it("lets a silent body go when told that its reader gave up", async () => {
    const { promise: canceled, resolve } = Promise.withResolvers<unknown>();
    const body = new ReadableStream<Uint8Array>({ cancel: resolve });
    const { stream, form, cancel } = readDeployForm(body, TYPE, { drain_ms: 1 });
    cancel("enough");
    expect(await canceled).toBe("enough");
    expect(await form).toMatchObject({ ok: false, error: { code: "upload_interrupted" } });
    await expect(stream.getReader().read()).rejects.toThrow("enough");
  });

  it("lets a body go whose bytes nobody takes", async () => {
    const { promise: canceled, resolve } = Promise.withResolvers<unknown>();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(utf8(`--${BOUNDARY}`)),
      cancel: resolve,
    });
    const { form, cancel } = readDeployForm(body, TYPE, { drain_ms: 1 });
    await scheduler.wait(0);
    cancel("enough");
    await canceled;
    expect(await form).toMatchObject({ ok: false, error: { code: "upload_interrupted" } });
  });

  it("keeps the reason when its reader fails of it and then cancels", async () => {
    const sent = bundleForm(2000);
    const { stream, form, cancel } = readDeployForm(sent.stream, TYPE, { part_bytes: 1000 });
    await stream.pipeTo(new WritableStream()).catch(cancel);
    expect(await form).toMatchObject({ ok: false, error: { code: "part_too_large" } });
  });

  it("refuses another content type", async () => {
    const { stream, form } = readDeployForm(bundleForm(100_000).stream, "application/json");
    await expect(stream.getReader().read()).rejects.toMatchObject({ name: "FormRefused" });
    expect(await form).toMatchObject({ ok: false, error: { status: 415 } });
  });

  it("gives a refused body up after a while, if its sender is silent", async () => {
    const { promise: canceled, resolve } = Promise.withResolvers<unknown>();
    const body = new ReadableStream({
      type: "bytes",
      start: (controller) => controller.enqueue(utf8("no form at all")),
      cancel: resolve,
    });
    const { form } = readDeployForm(body, TYPE, { drain_ms: 1 });
    expect(await form).toMatchObject({ ok: false, error: { code: "multipart_malformed" } });
    await canceled;
  });
});
