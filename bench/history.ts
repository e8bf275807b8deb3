import { compare } from "./lib/figure.ts";
import type { Bound, Figure } from "./lib/figure.ts";
import { startWithHistory } from "./lib/history.ts";
import { load } from "./lib/load.ts";
import { pushesInTurn } from "./lib/pushes.ts";
import { signIn, views } from "./lib/views.ts";

const MANY = 100_000;
const FEW = 10;
const CONNECTIONS = 16;
const TIMES = { warmUpMs: 1_000, ms: 3_000 };
/** As many as both have on every page. */
const ITEMS = 5;
const FARTHEST = `&cursor=${Buffer.from(JSON.stringify(ITEMS + 1)).toString("base64url")}`;
/** 1 / 1.3. */
const NO_SLOWER: Bound = { kind: "at least", value: 0.77, firm: false };
const NO_LONGER: Bound = { kind: "at most", value: 1.3, firm: false };

interface Measured {
  readonly rate: number;
  readonly cpu: number;
  readonly first: number;
  readonly last: number;
  readonly page: number;
}

/** What a project that has deployed for years answers, beside one that has just begun. */
export async function history(repeats: number, say: (line: string) => void): Promise<Figure[]> {
  const many: Measured[] = [];
  const few: Measured[] = [];
  for (let n = 1; n <= repeats; n++) {
    say(`history: ${n} of ${repeats}`);
    few.push(await after(FEW));
    many.push(await after(MANY));
  }
  const beside = (name: string, unit: string, key: keyof Measured, bound: Bound | null): Figure => {
    const of = (series: readonly Measured[]): number[] => series.map((each) => each[key]);
    return compare(name, unit, of(many), { name: `after ${FEW}`, samples: of(few) }, bound);
  };
  const after100k = `after ${MANY} deploys`;
  return [
    beside(`pushes taken on ${CONNECTIONS} connections, ${after100k}`, "/s", "rate", NO_SLOWER),
    beside("CPU time of one", "ms", "cpu", NO_LONGER),
    beside("half of the lists of the newest deploys take", "ms", "first", NO_LONGER),
    beside("half of the lists of the oldest take", "ms", "last", NO_LONGER),
    beside("half of the views of the project's page take", "ms", "page", null),
  ];
}

async function after(deploys: number): Promise<Measured> {
  const { side: started, hook } = await startWithHistory(deploys);
  await using side = started;
  const list = `/v1/projects/blog/deploys?limit=${ITEMS}`;
  const bearer = { authorization: `Bearer ${side.token}` };
  const first = await views(side, list, bearer, `"number":${deploys}`);
  const last = await views(side, list + FARTHEST, bearer, `"number":1,`);
  const cookie = await signIn(side);
  const page = await views(side, "/projects/blog", { cookie }, "blog.pages.dev");
  const next = await pushesInTurn(hook.secret);
  const { rate, cpu } = await load({
    urls: [hook.url],
    pid: side.pid,
    connections: CONNECTIONS,
    ...TIMES,
    status: 202,
    next,
  });
  return { rate, cpu, first: first.p50, last: last.p50, page: page.p50 };
}
