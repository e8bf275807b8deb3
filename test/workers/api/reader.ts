import { expect } from "vitest";

export interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** The stream as a client reads it, message by message; comments are `: ping`. */
export class Reader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /** The next message that is no comment and no `retry`; null: the stream is over. */
  async next(): Promise<Message | null> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end === -1) {
        const { done, value } = await this.#reader.read();
        if (done) {
          return null;
        }
        this.#text += this.#decoder.decode(value, { stream: true });
        continue;
      }
      const lines = this.#text.slice(0, end).split("\n");
      this.#text = this.#text.slice(end + 2);
      const field = (name: string): string =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? "";
      if (field("event") !== "") {
        return { id: field("id"), event: field("event"), data: field("data") };
      }
    }
  }

  /** Every message until one of this type. */
  async until(event: string): Promise<Message[]> {
    const found: Message[] = [];
    for (;;) {
      const message = await this.next();
      expect(message, `the stream ended before ${event}`).not.toBeNull();
      found.push(message ?? { id: "", event, data: "" });
      if (found.at(-1)?.event === event) {
        return found;
      }
    }
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}
