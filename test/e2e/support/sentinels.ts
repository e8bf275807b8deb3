/** What must not be seen, and where it was looked for. */

const SHORTEST = 16;

export class Sentinels {
  readonly #spellings = new Map<string, string>();
  readonly #bytes = new Map<string, Buffer>();

  /** `name` is what a finding is called: the secret itself is not to be printed by a failing test either. */
  add(name: string, secret: string): void {
    for (const [how, spelling] of [
      ["as it is", secret],
      ["in JSON", JSON.stringify(secret).slice(1, -1)],
      ["in a URL", encodeURIComponent(secret)],
      ["in base64", Buffer.from(secret).toString("base64").replace(/=+$/, "")],
      ["in hex", Buffer.from(secret).toString("hex")],
    ] as const) {
      if (spelling.length < SHORTEST) {
        throw new Error(`The secret ${name} is too short to be looked for.`);
      }
      this.#spellings.set(spelling, `${name} ${how}`);
      this.#bytes.set(`${name} ${how}`, Buffer.from(spelling));
    }
  }

  /** A secret whose text is the base64 of what is really secret. */
  addBase64(name: string, text: string): void {
    this.add(name, text);
    this.#bytes.set(`${name} as bytes`, Buffer.from(text, "base64"));
  }

  /** The names of those that are in a text. */
  in(text: string): string[] {
    return [...this.#spellings]
      .filter(([spelling]) => text.includes(spelling))
      .map(([, name]) => name);
  }

  inBytes(bytes: Buffer): string[] {
    return [...this.#bytes].filter(([, secret]) => bytes.includes(secret)).map(([name]) => name);
  }
}
