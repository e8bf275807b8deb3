import { sha256, utf8 } from "./encoding.ts";

/**
 * Whether two texts are equal, in a time that tells neither where they differ nor how long the secret one is.
 * Digests are compared rather than the texts: they have one length, and their bytes can't be steered by a guess.
 */
export async function constantTimeEqual(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([sha256(utf8(a)), sha256(utf8(b))]);
  let difference = 0;
  for (let i = 0; i < left.length; i++) {
    difference |= (left[i] ?? 0) ^ (right[i] ?? 256);
  }
  return difference === 0;
}
