import { once } from "node:events";
import { request } from "node:http";
import type { ClientRequest } from "node:http";
import type { StackFile } from "../../../scripts/lib/stack.ts";

export const BOUNDARY = "----signalbox-raw";
export const FORM = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };

/** What came back, or that the connection broke before anything did. */
export type RawOutcome = { readonly status: number; readonly json: unknown } | "cut off";

/** A request that is sent piece by piece, with its framing in our own hands; chunked unless a length is declared. */
export class RawRequest {
  readonly outcome: Promise<RawOutcome>;
  readonly #request: ClientRequest;
  #gone = false;

  constructor(url: string, headers: Readonly<Record<string, string | number>>) {
    this.#request = request(url, { method: "POST", headers, agent: false });
    this.outcome = new Promise((resolve) => {
      const cutOff = (): void => {
        this.#gone = true;
        resolve("cut off");
      };
      this.#request.on("error", cutOff);
      this.#request.on("close", () => {
        this.#gone = true;
      });
      this.#request.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", cutOff);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, json: parse(Buffer.concat(chunks)) }),
        );
      });
    });
  }

  /** At the pace of whoever reads. Into a connection that is gone nothing is written. */
  async write(chunk: string | Buffer): Promise<void> {
    if (!this.#gone && !this.#request.write(chunk)) {
      await Promise.race([once(this.#request, "drain"), this.outcome]);
    }
  }

  end(): void {
    this.#request.end();
  }

  abort(): void {
    this.#request.destroy();
  }
}

/** To the deploys of a project, with the stack's own token. */
export function rawUpload(
  { url, token }: StackFile,
  project: string,
  headers: Readonly<Record<string, string | number>> = {},
): RawRequest {
  const authorization = `Bearer ${token}`;
  return new RawRequest(`${url}/v1/projects/${project}/deploys`, {
    ...FORM,
    authorization,
    ...headers,
  });
}

export function partHead(name: string, filename?: string): string {
  const file = filename === undefined ? "" : `; filename="${filename}"`;
  return `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`;
}

/** The beginning of an upload: more than an object holds back before it writes a row. */
export async function sendHalf(upload: RawRequest): Promise<void> {
  await upload.write(partHead("_worker.bundle", "_worker.bundle"));
  await upload.write(Buffer.alloc(2_500_000, "signalbox "));
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return bytes.toString();
  }
}
