import { expect } from "vitest";
import type { Keyring } from "../../../src/security/keyring.ts";
import { newKeySecret, parseKeyring } from "../../../src/security/keyring.ts";

/** The keyring of a configuration that is right. */
export async function keyring(text: string = newKeySecret()): Promise<Keyring> {
  const parsed = await parseKeyring(text);
  if (!parsed.ok) {
    throw new Error(parsed.error.message);
  }
  return parsed.value;
}

/** `text` with the character at `at` replaced by another one of the same alphabet. */
export function mutate(text: string, at: number, by: number): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  const index = at % text.length;
  const old = text.charAt(index);
  const candidates = alphabet.replace(old, "");
  const mutated =
    text.slice(0, index) + candidates.charAt(by % candidates.length) + text.slice(index + 1);
  expect(mutated).not.toBe(text);
  return mutated;
}
