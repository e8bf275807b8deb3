import { alone, compare } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { startWithHistory } from "./lib/history.ts";
import { signIn, views } from "./lib/views.ts";
import type { View } from "./lib/views.ts";

const MANY = 10_000;
/** Enough for a page of the history to be full. */
const FEW = 30;
const PAGES = { "the project's page": "/projects/blog", "the overview": "/" } as const;
const MOST_MS = 20;

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
    const of = (seen: readonly Views[], key: keyof View): number[] =>
      seen.map((each) => each[page][key]);
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

async function after(deploys: number): Promise<Views> {
  const { side: started } = await startWithHistory(deploys);
  await using side = started;
  const cookie = await signIn(side);
  const seen: Partial<Views> = {};
  for (const [page, path] of Object.entries(PAGES)) {
    seen[page as keyof Views] = await views(side, path, { cookie }, "blog.pages.dev");
  }
  return seen as Views;
}
