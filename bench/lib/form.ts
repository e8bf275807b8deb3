import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";

const BOUNDARY = "----signalbox-bench";
const TIMEOUT_MS = 90_000;

/** Ready to be sent any number of times. */
export interface RequestBody {
  readonly contentType: string;
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  /** Of the whole body. */
  readonly bodySha256: string;
}

/** A multipart create with one large `_worker.bundle`. */
export function largeForm(bundleBytes: number): RequestBody {
  const bundle = randomBytes(bundleBytes);
  const field = (name: string, value: string): string =>
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const head =
    field("manifest", "{}") +
    field("branch", "main") +
    field("commit_hash", randomBytes(20).toString("hex")) +
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="_worker.bundle"; filename="_worker.bundle"\r\n` +
    "content-type: application/octet-stream\r\n\r\n";
  const pieces = [Buffer.from(head), bundle, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)];
  return requestBody(`multipart/form-data; boundary=${BOUNDARY}`, pieces);
}

export function requestBody(contentType: string, pieces: readonly Buffer[]): RequestBody {
  return {
    contentType,
    pieces,
    bytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
    bodySha256: sha256(pieces),
  };
}

/** Posts the body and returns the answer's text; throws unless it is of the status expected. */
export async function post(
  url: string,
  { contentType, pieces, bytes }: RequestBody,
  { token, status }: { readonly token: string; readonly status: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sending = request(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": contentType,
        "content-length": bytes,
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    sending.on("error", reject);
    sending.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", reject);
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        if (response.statusCode === status) {
          resolve(text);
        } else {
          reject(
            new Error(`The request was answered ${response.statusCode}: ${text.slice(0, 500)}`),
          );
        }
      });
    });
    for (const piece of pieces) {
      sending.write(piece);
    }
    sending.end();
  });
}

function sha256(pieces: readonly Buffer[]): string {
  const hash = createHash("sha256");
  pieces.forEach((piece) => hash.update(piece));
  return hash.digest("hex");
}
