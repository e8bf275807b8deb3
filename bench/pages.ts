import { fillHistory } from "../test/e2e/support/history.ts";
import { alone, compare, median } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { cpuMs } from "./lib/process.ts";
import { startSignalbox } from "./lib/sides.ts";

const MANY = 10_000;
/** Enough for a page of the history to be full. */
const FEW = 30;
const PAGES = { "the project's page": "/projects/blog", "the overview": "/" } as const;
const WARM_UP = 50;
const VIEWS = 200;
const MOST_MS = 20;

interface View {
  /** Half of them took at most so long. */
  readonly p50: number;
  /** Processor time of one, which a busy machine does not change. */
  readonly cpu: number;
}
type Views = Record<keyof typeof PAGES, View>;

/** How long the server takes for a page when the project has deployed for years, beside one that has just begun. */
export async function pages(repeats: number, say: (line: string) => void): Promise<Figure[]> {
  const many: Views[] = [];
  const few: Views[] = [];
  for (let n = 1; n <= repeats; n++) {
    say(`pages: ${n} of ${repeats}`);
    few.push(await after(FEW));
    many.push(await after(MANY));
  }
  return (Object.keys(PAGES) as (keyof typeof PAGES)[]).flatMap((page) => {
    const of = (views: readonly Views[], key: keyof View): number[] =>
      views.map((each) => each[page][key]);
    const samples = of(many, "p50");
    const name = `half of the views of ${page} take, after ${MANY} deploys`;
    return [
      alone(name, "ms", samples, { kind: "at most", value: MOST_MS, firm: false }),
      compare(name, "ms", samples, { name: `after ${FEW}`, samples: of(few, "p50") }),
      compare("CPU time of one", "ms", of(many, "cpu"), {
        name: `after ${FEW}`,
        samples: of(few, "cpu"),
      }),
    ];
  });
}

/** The median of views one after the other, from the request to the last byte. */
async function after(deploys: number): Promise<Views> {
  await using side = await startSignalbox(
    async ({ signalbox, pages: cloudflare }) => {
      await cloudflare.speed({ factor: 0.02 });
      const { deploy } = await signalbox.ask<{ deploy: { id: string } }>(
        "POST",
        "/v1/projects/blog/deploys",
        {},
      );
      await signalbox.ended("blog", deploy.id);
    },
    (dir) => fillHistory(dir, "blog", deploys - 1),
  );
  const cookie = await signIn(side.url, side.token);
  const views: Partial<Views> = {};
  for (const [page, path] of Object.entries(PAGES)) {
    const taken: number[] = [];
    let before = 0;
    for (let n = 0; n < WARM_UP + VIEWS; n++) {
      if (n === WARM_UP) {
        before = cpuMs(side.pid);
      }
      const sent = performance.now();
      const response = await fetch(side.url + path, { headers: { cookie } });
      const text = await response.text();
      taken.push(performance.now() - sent);
      if (response.status !== 200 || !text.includes("blog.pages.dev")) {
        throw new Error(`${path} was answered ${response.status}: ${text.slice(0, 200)}`);
      }
    }
    const cpu = (cpuMs(side.pid) - before) / VIEWS;
    views[page as keyof Views] = { p50: median(taken.slice(WARM_UP)), cpu };
  }
  return views as Views;
}

async function signIn(url: string, token: string): Promise<string> {
  const response = await fetch(`${url}/sign-in`, {
    method: "POST",
    headers: { origin: url },
    body: new URLSearchParams({ token }),
    redirect: "manual",
  });
  const [cookie = ""] = response.headers.getSetCookie();
  if (response.status !== 303) {
    throw new Error(`Signing in was answered ${response.status}.`);
  }
  return cookie.split(";")[0] ?? "";
}
