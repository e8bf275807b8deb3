import { fromBase64, toBase64, toHex, utf8 } from "../../src/security/encoding.ts";

/** What must not be seen, and where it was looked for. */

const SHORTEST = 16;
/** One character for each byte, and another one for each. */
const bytewise = new TextDecoder("windows-1252");

export class Sentinels {
  readonly #spellings = new Map<string, string>();
  /** What is really secret of those whose text is its base64, byte by byte. */
  readonly #bytes = new Map<string, string>();

  /** `name` is what a finding is called: the secret itself is not to be printed by a failing test either. */
  add(name: string, secret: string): void {
    for (const [how, spelling] of [
      ["as it is", secret],
      ["in JSON", JSON.stringify(secret).slice(1, -1)],
      ["in a URL", encodeURIComponent(secret)],
      ["in base64", toBase64(utf8(secret)).replace(/=+$/, "")],
      ["in hex", toHex(utf8(secret))],
    ] as const) {
      if (spelling.length < SHORTEST) {
        throw new Error(`The secret ${name} is too short to be looked for.`);
      }
      if (!this.#spellings.has(spelling)) {
        this.#spellings.set(spelling, `${name} ${how}`);
      }
    }
  }

  /** A secret whose text is the base64 of what is really secret. */
  addBase64(name: string, text: string): void {
    this.add(name, text);
    const standard = text.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = fromBase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, "="));
    if (bytes === null) {
      throw new Error(`The secret ${name} is no base64.`);
    }
    this.#bytes.set(bytewise.decode(bytes), `${name} as bytes`);
  }

  /** The names of those that are in a text. */
  in(text: string): string[] {
    return found(this.#spellings, text);
  }

  inBytes(bytes: Uint8Array): string[] {
    const text = bytewise.decode(bytes);
    return [...found(this.#spellings, text), ...found(this.#bytes, text)];
  }
}

function found(spellings: ReadonlyMap<string, string>, text: string): string[] {
  return [...spellings].filter(([spelling]) => text.includes(spelling)).map(([, name]) => name);
}
