import { describe, expect, it } from "vitest";

import { splice, type Edit } from "../../../src/project/splice.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function spliced(chunks: readonly Uint8Array[], edit: Edit): Promise<string> {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      chunks.forEach((chunk) => controller.enqueue(chunk));
      controller.close();
    },
  });
  return new Response(source.pipeThrough(splice(edit))).text();
}

describe("an edit in a stream", () => {
  const whole = "before-feature-after";

  it.each(["main", "m", "", "a-much-longer-name-than-it-was", "日本語"])(
    "puts %j in the place, wherever the stream is cut",
    async (name) => {
      const edit = { from: 7, to: 14, bytes: bytes(name) };
      const expected = `before-${name}-after`;
      for (let first = 0; first <= whole.length; first++) {
        for (let second = first; second <= whole.length; second++) {
          const cut = [whole.slice(0, first), whole.slice(first, second), whole.slice(second)];
          expect(await spliced(cut.map(bytes), edit), `${first}, ${second}`).toBe(expected);
        }
      }
    },
  );

  it("puts something where nothing was", async () => {
    expect(await spliced([bytes("ab"), bytes("cd")], { from: 2, to: 2, bytes: bytes("-") })).toBe(
      "ab-cd",
    );
  });
});
