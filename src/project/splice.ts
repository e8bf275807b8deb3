/** The bytes of a stream from `from` up to `to` are left out, and these come in their place. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/** Makes one edit in a stream that passes by, holding none of it. */
export function splice({ from, to, bytes }: Edit): TransformStream<Uint8Array, Uint8Array> {
  let position = 0;
  const pass = (
    chunk: Uint8Array,
    controller: TransformStreamDefaultController<Uint8Array>,
  ): void => {
    if (chunk.length > 0) {
      controller.enqueue(chunk);
    }
  };
  return new TransformStream({
    transform(chunk, controller) {
      const end = position + chunk.length;
      pass(chunk.subarray(0, Math.max(0, Math.min(chunk.length, from - position))), controller);
      if (position <= from && from < end) {
        pass(bytes, controller);
      }
      pass(chunk.subarray(Math.max(0, Math.min(chunk.length, to - position))), controller);
      position = end;
    },
  });
}
