import { describe, expect, it } from "vitest";
import { readDeployForm } from "../../../src/deploy-form/read.ts";
import { accepted, cut, multipart, refused, TYPE } from "./support.ts";

const BODY = multipart([{ name: "a", value: new Uint8Array(10_000), filename: "a" }]);

/** Lets everything that is only waiting for promises run to where it waits for something else. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A body that counts what was taken from it and tells whether it was canceled. */
function watched(chunks: Uint8Array[], then: "close" | "hang" | Error = "close") {
  const seen = { pulled: 0, canceled: null as unknown };
  const left = [...chunks];
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = left.shift();
        if (chunk !== undefined) {
          seen.pulled += 1;
          controller.enqueue(chunk);
        } else if (then === "hang") {
          return new Promise<void>(() => undefined);
        } else if (then === "close") {
          controller.close();
        } else {
          controller.error(then);
        }
      },
      cancel(reason) {
        seen.canceled = reason ?? "canceled";
      },
    },
    { highWaterMark: 0 },
  );
  return { body, seen };
}

describe("the stream", () => {
  it("takes from the body no more than one chunk ahead of its reader", async () => {
    const { body, seen } = watched(cut(BODY, [1000, 2000, 3000, 4000, 5000]));
    const { stream, form } = readDeployForm(body, TYPE);
    const reader = stream.getReader();
    await settled();
    expect(seen.pulled).toBeLessThanOrEqual(1);
    await reader.read();
    await settled();
    expect(seen.pulled).toBeLessThanOrEqual(2);
    reader.releaseLock();
    await stream.pipeTo(new WritableStream());
    expect(accepted(await form).parts[0]?.size).toBe(10_000);
    expect(seen.pulled).toBe(6);
  });

  it("fails at the broken rule at once, without the chunk that broke it", async () => {
    const { body } = watched([BODY.slice(0, 1000), BODY.slice(1000, 2000)], "hang");
    const { stream, form } = readDeployForm(body, TYPE, { part_bytes: 1500, drain_ms: 0 });
    const reader = stream.getReader();
    expect((await reader.read()).value).toHaveLength(1000);
    await expect(reader.read()).rejects.toMatchObject({ problem: { code: "part_too_large" } });
    expect(refused(await form).code).toBe("part_too_large");
  });

  it("drops the rest of a refused body, so that its sender gets to see the answer", async () => {
    const { body, seen } = watched(cut(BODY, [1000, 2000, 3000, 4000]));
    const { stream, form } = readDeployForm(body, TYPE, { part_bytes: 100 });
    await expect(stream.getReader().read()).rejects.toThrow("larger");
    expect(refused(await form).code).toBe("part_too_large");
    expect(seen).toEqual({ pulled: 5, canceled: null });
  });

  it("doesn't drop more than a form may have, nor for ever", async () => {
    const endless = watched(Array.from({ length: 99 }, () => BODY.slice()));
    const large = readDeployForm(endless.body, TYPE, { part_bytes: 100, bytes: 5 * BODY.length });
    expect(refused(await large.form).code).toBe("part_too_large");
    expect(endless.seen).toEqual({ pulled: 5, canceled: "refused" });

    const silent = watched([BODY.slice(0, 1000)], "hang");
    const slow = readDeployForm(silent.body, TYPE, { part_bytes: 100, drain_ms: 1 });
    expect(refused(await slow.form).code).toBe("part_too_large");
    expect(silent.seen).toEqual({ pulled: 1, canceled: "refused" });
  });

  it("fails when the sender is gone half-way", async () => {
    const { body } = watched([BODY.slice(0, 1000)], new Error("connection lost"));
    const { stream, form } = readDeployForm(body, TYPE);
    const failure: unknown = await stream.pipeTo(new WritableStream()).catch((e: unknown) => e);
    expect(refused(await form)).toMatchObject({ status: 400, code: "upload_interrupted" });
    expect(failure).toMatchObject({ cause: { message: "connection lost" } });
  });

  it("ends when its reader gives up, at the sender's next bytes", async () => {
    const { body, seen } = watched(cut(BODY, [1000, 2000]));
    const { stream, form } = readDeployForm(body, TYPE);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel("enough");
    expect(refused(await form)).toMatchObject({ status: 400, code: "upload_interrupted" });
    expect(seen.pulled).toBe(3);
  });

  it("drops the rest of a form that is too large as a whole", async () => {
    const { body, seen } = watched(cut(BODY, [1000, 2000, 3000, 4000]));
    const { stream, form } = readDeployForm(body, TYPE, { bytes: 6000 });
    await expect(stream.pipeTo(new WritableStream())).rejects.toThrow("larger");
    expect(refused(await form).code).toBe("form_too_large");
    expect(seen).toEqual({ pulled: 5, canceled: null });
  });

  it("drops the rest when canceled, so that its sender gets to see the answer", async () => {
    const { body, seen } = watched(cut(BODY, [1000, 2000, 3000, 4000]));
    const { form, cancel } = readDeployForm(body, TYPE);
    await settled();
    cancel("enough");
    expect(refused(await form)).toMatchObject({ status: 400, code: "upload_interrupted" });
    expect(seen).toEqual({ pulled: 5, canceled: null });
  });

  it.each([
    ["the sender", []],
    ["the reader", [BODY.slice(0, 1000)]],
  ])("lets the body go when canceled while it waits for %s", async (_, chunks) => {
    const { body, seen } = watched(chunks, "hang");
    const { stream, form, cancel } = readDeployForm(body, TYPE, { drain_ms: 1 });
    await settled();
    cancel("enough");
    expect(refused(await form)).toMatchObject({ status: 400, code: "upload_interrupted" });
    expect(seen.canceled).not.toBeNull();
    await expect(stream.pipeTo(new WritableStream())).rejects.toBe("enough");
  });

  it("keeps the reason when its reader fails of it and then cancels", async () => {
    const { promise: rest, resolve } = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(BODY.slice(0, 1000)),
      pull: async (controller) => {
        await rest;
        controller.close();
      },
    });
    const { stream, form, cancel } = readDeployForm(body, TYPE, { part_bytes: 100 });
    await stream.pipeTo(new WritableStream()).catch(cancel);
    resolve();
    expect(refused(await form).code).toBe("part_too_large");
  });

  it("has ended when it was read: canceling changes nothing then", async () => {
    const { body, seen } = watched([BODY]);
    const { stream, form, cancel } = readDeployForm(body, TYPE);
    await stream.pipeTo(new WritableStream());
    cancel("enough");
    expect(accepted(await form).bytes).toBe(BODY.length);
    expect(seen.canceled).toBeNull();
  });

  it("takes a missing body for a truncated one", async () => {
    const { stream, form } = readDeployForm(null, TYPE);
    await expect(stream.pipeTo(new WritableStream())).rejects.toThrow("ended before");
    expect(refused(await form).code).toBe("multipart_truncated");
  });

  it("reads byte streams as well, as requests have them", async () => {
    const body = new Request("http://127.0.0.1/", { method: "POST", body: BODY }).body;
    const { stream, form } = readDeployForm(body, TYPE);
    expect(await new Response(stream).bytes()).toEqual(BODY);
    expect(accepted(await form).bytes).toBe(BODY.length);
  });
});
