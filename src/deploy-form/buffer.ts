/** Bytes appended to one another. Doubles as it grows: a list of chunks would let one-byte chunks cost a hundredfold. */
export class GrowingBuffer {
  #buffer = new Uint8Array(256);
  #length = 0;

  append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#buffer.length * 2, length));
      larger.set(this.bytes());
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** A view, good until the next append. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}
