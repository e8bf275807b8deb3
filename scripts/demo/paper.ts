import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** What the demo prints on. A terminal gets colours and one line that changes; a log gets neither. */
export class Paper {
  readonly #live = process.stdout.isTTY && process.env["TERM"] !== "dumb";
  #shown = "";

  title(text: string): void {
    this.#print(this.style("bold", text));
  }

  /** Begins a part. */
  part(title: string): void {
    this.#print(`\n${this.style("bold", title)}`);
  }

  line(text = ""): void {
    this.#print(text === "" ? "" : `  ${text}`);
  }

  note(text: string): void {
    this.line(this.style("dim", text));
  }

  /** A request and what came of it. */
  request(status: number, what: string, outcome: string): void {
    this.line(`${this.style("green", String(status))}  ${what.padEnd(42)} ${outcome}`);
  }

  /** Something that was checked and found to hold. */
  held(text: string): void {
    this.line(`${this.style("green", "✓")} ${text}`);
  }

  failed(text: string): void {
    this.line(`${this.style("red", "✗")} ${text}`);
  }

  table(rows: readonly (readonly [string, string, string])[]): void {
    const width = (column: 0 | 1): number => Math.max(...rows.map((row) => row[column].length));
    for (const [name, value, more] of rows) {
      const line = `${name.padEnd(width(0))}  ${value.padStart(width(1))}`;
      this.line(`${line}   ${this.style("dim", more)}`.trimEnd());
    }
  }

  /** The line that changes in place, below all others; `null` takes it away. Only a terminal has one. */
  now(text: string | null): void {
    if (this.#live) {
      const cut = (text ?? "").slice(0, (process.stdout.columns || 80) - 3);
      this.#erase();
      this.#shown = cut === "" ? "" : `  ${cut}`;
      process.stdout.write(this.style("cyan", this.#shown));
    }
  }

  /** Whether what changes in place is seen; else it has to be told line by line. */
  get live(): boolean {
    return this.#live;
  }

  style(style: Style, text: string): string {
    return text === "" ? "" : styleText(style, text);
  }

  #print(text: string): void {
    this.#erase();
    process.stdout.write(`${text}\n`);
    process.stdout.write(this.style("cyan", this.#shown));
  }

  #erase(): void {
    if (this.#shown !== "") {
      process.stdout.write("\r\u001b[2K");
    }
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function size(bytes: number): string {
  return bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(1)} KB`;
}

/** As people write commits. */
export function short(commit: string | null): string {
  return commit?.slice(0, 7) ?? "";
}
