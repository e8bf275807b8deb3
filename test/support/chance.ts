import { vi } from "vitest";

/** The same numbers from 0 up to 1 for the same seed. */
export function seeded(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state - 1) / 2_147_483_646;
  };
}

/** From here on, whatever is random follows from `draw`: waits that are spread, ids, and what sorts by them. */
export function withoutChance(draw: () => number): () => void {
  const byte = (): number => Math.floor(draw() * 256);
  const hex = (length: number): string =>
    Array.from({ length }, () => Math.floor(draw() * 16).toString(16)).join("");
  const spies = [
    vi.spyOn(Math, "random").mockImplementation(draw),
    vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
      if (array !== null) {
        new Uint8Array(array.buffer, array.byteOffset, array.byteLength).forEach((_, at, bytes) => {
          bytes[at] = byte();
        });
      }
      return array;
    }),
    vi
      .spyOn(crypto, "randomUUID")
      .mockImplementation(() => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`),
  ];
  return () => {
    for (const spy of spies) {
      // What it has kept of its calls would outlive it.
      spy.mockClear();
      spy.mockRestore();
    }
  };
}
