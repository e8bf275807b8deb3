import { compare } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { largeForm, post } from "./lib/form.ts";
import type { RequestBody } from "./lib/form.ts";
import { peakMiB, residentMiB } from "./lib/process.ts";
import { startMinimal, startSignalbox } from "./lib/sides.ts";
import type { Sandbox } from "./lib/sides.ts";
import type { Pages } from "../scripts/demo/pages.ts";
import type { Accepted } from "../src/project/shapes.ts";

/** The largest bundle Cloudflare takes. */
export const BUNDLE_BYTES = 25 * 1_048_576;
/** A project runs one deploy at a time, so that four at once are of four projects. */
const PROJECTS = ["one", "two", "three", "four"] as const;
export const GROWTH_BOUND = 1.3;

/** One fresh process, and what became of it while it took `count` forms at once and sent them on. */
export interface Sample {
  /** The peak of its memory less what it had when it was ready. */
  readonly growthMiB: number;
  /** From the first byte sent until the sandbox had made the last deployment. */
  readonly ms: number;
}

/** How much a process grows with large uploads, and how long they take, beside the least that could do the same. */
export async function stream(repeats: number, say: (line: string) => void): Promise<Figure[]> {
  const form = largeForm(BUNDLE_BYTES);
  const figures: Figure[] = [];
  for (const count of [1, 4]) {
    const series = { signalbox: [] as Sample[], minimal: [] as Sample[], straight: [] as number[] };
    for (let n = 1; n <= repeats; n++) {
      say(`stream: ${count} at once, ${n} of ${repeats}`);
      series.minimal.push(await throughMinimal(form, count));
      const { straightMs, ...sample } = await throughSignalbox(form, count);
      series.signalbox.push(sample);
      series.straight.push(straightMs);
    }
    const { signalbox, minimal, straight } = series;
    const what = count === 1 ? "a 25 MiB bundle" : `${count} of them at once (${count} projects)`;
    const growth = (samples: readonly Sample[]): number[] => samples.map((s) => s.growthMiB);
    const ms = (samples: readonly Sample[]): number[] => samples.map((s) => s.ms);
    figures.push(
      compare(
        `memory grows with ${what}`,
        "MiB",
        growth(signalbox),
        { name: "minimal Worker", samples: growth(minimal) },
        { kind: "at most", value: GROWTH_BOUND, firm: true },
      ),
      compare(`until Cloudflare has ${what}`, "ms", ms(signalbox), {
        name: "minimal Worker",
        samples: ms(minimal),
      }),
      compare(
        `until Cloudflare has ${what}`,
        "ms",
        ms(signalbox),
        { name: "straight to it", samples: straight },
        { kind: "at most", value: 1.5, firm: false },
      ),
    );
  }
  return figures;
}

export async function throughSignalbox(
  form: RequestBody,
  count: number,
): Promise<Sample & { readonly straightMs: number }> {
  const projects = PROJECTS.slice(0, count);
  await using side = await startSignalbox(async ({ pages, signalbox }) => {
    for (const name of projects) {
      await pages.addProject({ name });
      await signalbox.ask("PUT", `/v1/projects/${name}`, {});
    }
  });
  const { signalbox, pages, sandbox } = side;
  const before = residentMiB(side.pid);
  // Two calls for each create; the bucket is empty after a restart.
  await signalbox.calls(2 * count + 1);
  await pages.speed({ upload: 0 });
  const ms = await timed(pages, form, count, async () => {
    await Promise.all(
      projects.map(async (project) => {
        const url = `${side.url}/v1/projects/${project}/deploys`;
        const text = await post(url, form, { token: side.token, status: 202 });
        const { deploy } = JSON.parse(text) as Accepted;
        const { status, reason } = await signalbox.ended(project, deploy?.id ?? "");
        if (status !== "succeeded") {
          throw new Error(`The deploy of ${project} ended ${status}: ${reason}`);
        }
      }),
    );
  });
  const growthMiB = peakMiB(side.pid) - before;
  const straightMs = await timed(pages, form, count, async () => {
    await Promise.all(projects.map((project) => straight(sandbox, project, form)));
  });
  return { growthMiB, ms, straightMs };
}

export async function throughMinimal(form: RequestBody, count: number): Promise<Sample> {
  const projects = PROJECTS.slice(0, count);
  await using side = await startMinimal("stream.js");
  const { pages } = side;
  for (const name of projects) {
    await pages.addProject({ name });
  }
  const before = residentMiB(side.pid);
  const ms = await timed(pages, form, count, async () => {
    await Promise.all(
      projects.map((project) => post(`${side.url}/${project}`, form, { token: "", status: 200 })),
    );
  });
  return { growthMiB: peakMiB(side.pid) - before, ms };
}

async function straight(sandbox: Sandbox, project: string, form: RequestBody): Promise<void> {
  const { sandbox_url: url, account_id: account, sandbox_token: token } = sandbox;
  const path = `/client/v4/accounts/${account}/pages/projects/${project}/deployments`;
  await post(url + path, form, { token, status: 200 });
}

/** How long it takes until the sandbox has made `count` deployments more, each of exactly the bytes that were sent. */
async function timed(
  pages: Pages,
  form: RequestBody,
  count: number,
  send: () => Promise<void>,
): Promise<number> {
  const started = Date.now();
  await send();
  const { requests } = await pages.journal();
  const made = requests.filter(
    ({ method, path, at }) =>
      method === "POST" && path.endsWith("/deployments") && Date.parse(at) >= started,
  );
  const whole = made.filter(
    ({ status, body_sha256 }) => status === 200 && body_sha256 === form.bodySha256,
  );
  if (made.length !== count || whole.length !== count) {
    throw new Error(`${whole.length} of ${made.length} creates are what was sent ${count} times.`);
  }
  return Math.max(...made.map(({ at, ms }) => Date.parse(at) + ms)) - started;
}
