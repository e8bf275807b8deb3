import { randomBytes } from "node:crypto";
import { expectOk, send } from "../scripts/demo/http.ts";
import type { Pages } from "../scripts/demo/pages.ts";
import { until } from "../scripts/demo/wait.ts";
import { compare } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { post, requestBody } from "./lib/form.ts";
import type { RequestBody } from "./lib/form.ts";
import { peakMiB, residentMiB } from "./lib/process.ts";
import { startMinimal, startSignalbox } from "./lib/sides.ts";
import type { Sandbox } from "./lib/sides.ts";

const MIB = 1_048_576;
/** Into so many buckets wrangler deals what is missing, and sends them at once. */
const BUCKETS = 3;
const PROJECT = "site";

/** Files of one size, in buckets of which each is one request. */
interface Load {
  readonly files: number;
  readonly fileBytes: number;
  readonly buckets: number;
}

const LOADS = [
  { what: "100 files of 256 KiB", files: 100, fileBytes: MIB / 4, buckets: BUCKETS },
  { what: "a bucket of 40 MiB", files: 5, fileBytes: 8 * MIB, buckets: 1 },
] as const;

interface Sample {
  /** The peak of its memory less what it had after a first small upload. */
  readonly growthMiB: number;
  /** From the request for an upload token until all are known to be in use. */
  readonly ms: number;
}

/** How much a process grows with the files of a direct upload, and how long they take, beside the least that passes them on. */
export async function assets(repeats: number, say: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const load of LOADS) {
    const series = { signalbox: [] as Sample[], minimal: [] as Sample[], straight: [] as number[] };
    for (let n = 1; n <= repeats; n++) {
      say(`assets: ${load.what}, ${n} of ${repeats}`);
      series.minimal.push(await throughMinimal(load));
      const { straightMs, ...sample } = await throughSignalbox(load);
      series.signalbox.push(sample);
      series.straight.push(straightMs);
    }
    const { signalbox, minimal, straight } = series;
    const growth = (samples: readonly Sample[]): number[] => samples.map((s) => s.growthMiB);
    const ms = (samples: readonly Sample[]): number[] => samples.map((s) => s.ms);
    figures.push(
      compare(
        `memory grows with ${load.what}`,
        "MiB",
        growth(signalbox),
        { name: "minimal Worker", samples: growth(minimal) },
        { kind: "at most", value: 1.3, firm: true },
      ),
      compare(`until Cloudflare has ${load.what}`, "ms", ms(signalbox), {
        name: "minimal Worker",
        samples: ms(minimal),
      }),
      compare(
        `until Cloudflare has ${load.what}`,
        "ms",
        ms(signalbox),
        { name: "straight to it", samples: straight },
        { kind: "at most", value: 1.5, firm: true },
      ),
    );
  }
  return figures;
}

async function throughSignalbox(load: Load): Promise<Sample & { readonly straightMs: number }> {
  await using side = await startSignalbox();
  const { pages, sandbox, signalbox, url, token } = side;
  await warmUp(pages, url, token, sandbox, load);
  // One for each call; the bucket was empty after the restart.
  await until("calls to Cloudflare", async () => {
    const { level } = await signalbox.ask<{ level: number }>("GET", "/v1/budget");
    return level >= load.buckets + 4;
  });
  const before = residentMiB(side.pid);
  const ms = await timed(pages, url, token, sandbox, load);
  const growthMiB = peakMiB(side.pid) - before;
  const straightMs = await straight(pages, sandbox, load);
  return { growthMiB, ms, straightMs };
}

async function throughMinimal(load: Load): Promise<Sample> {
  await using side = await startMinimal("pass.js");
  const { pages, sandbox, url } = side;
  const token = sandbox.sandbox_token;
  await warmUp(pages, url, token, sandbox, load);
  const before = residentMiB(side.pid);
  const ms = await timed(pages, url, token, sandbox, load);
  return { growthMiB: peakMiB(side.pid) - before, ms };
}

/**
 * A first request of each kind loads code, which is more than a stream of any size takes, and counts as start. The sandbox's
 * first upload is slower than its second.
 */
async function warmUp(
  pages: Pages,
  url: string,
  token: string,
  sandbox: Sandbox,
  load: Load,
): Promise<void> {
  await timed(pages, url, token, sandbox, { files: 1, fileBytes: 1_024, buckets: 1 });
  await straight(pages, sandbox, load);
}

async function straight(pages: Pages, sandbox: Sandbox, load: Load): Promise<number> {
  return timed(pages, sandbox.sandbox_url, sandbox.sandbox_token, sandbox, load);
}

/** How long files take that nobody has seen yet; the sandbox must have got exactly the bytes that were sent. */
async function timed(
  pages: Pages,
  url: string,
  token: string,
  { account_id: account }: Sandbox,
  load: Load,
): Promise<number> {
  const { hashes, buckets } = filesOf(load);
  const api = `${url}/client/v4`;
  const started = performance.now();
  const granted = await send(`${api}/accounts/${account}/pages/projects/${PROJECT}/upload-token`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { jwt } = expectOk<{ result: { jwt: string } }>("upload-token", granted).result;
  const ask = async (call: string, body: RequestBody): Promise<unknown> =>
    JSON.parse(await post(`${api}/pages/assets/${call}`, body, { token: jwt, status: 200 }));
  const missing = (await ask("check-missing", json({ hashes }))) as { result: string[] };
  if (missing.result.length !== hashes.length) {
    throw new Error(`${missing.result.length} of ${hashes.length} new files are missing.`);
  }
  await Promise.all(buckets.map(async (bucket) => ask("upload", bucket)));
  await ask("upsert-hashes", json({ hashes }));
  const ms = performance.now() - started;
  const { requests } = await pages.journal();
  const arrived = new Set(requests.map(({ body_sha256: digest }) => digest));
  if (!buckets.every(({ bodySha256 }) => arrived.has(bodySha256))) {
    throw new Error("A bucket did not arrive as it was sent.");
  }
  return ms;
}

/** Files of random bytes under names of their own, dealt as wrangler deals them. */
function filesOf({ files, fileBytes, buckets }: Load) {
  const all = Array.from({ length: files }, () => ({
    key: randomBytes(16).toString("hex"),
    value: randomBytes(fileBytes).toString("base64"),
    metadata: { contentType: "application/octet-stream" },
    base64: true,
  }));
  return {
    hashes: all.map(({ key }) => key),
    buckets: Array.from({ length: buckets }, (_, n) =>
      json(all.filter((_file, at) => at % buckets === n)),
    ),
  };
}

function json(value: unknown): RequestBody {
  return requestBody("application/json", [Buffer.from(JSON.stringify(value))]);
}
