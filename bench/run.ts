import { cpus, totalmem } from "node:os";
import { parseArgs, styleText } from "node:util";
import { accept } from "./accept.ts";
import { assets } from "./assets.ts";
import { burst } from "./burst.ts";
import { deliver } from "./deliver.ts";
import { history } from "./history.ts";
import { holds, judged } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { notice } from "./notice.ts";
import { pages } from "./pages.ts";
import { profile } from "./profile.ts";
import { refuse } from "./refuse.ts";
import { size } from "./size.ts";
import { start } from "./start.ts";
import { stream } from "./stream.ts";

const BENCHES = {
  stream,
  assets,
  accept,
  refuse,
  start,
  burst,
  history,
  deliver,
  pages,
  notice,
  size,
} as const;
type Name = keyof typeof BENCHES;

const HELP = `npm run bench -- [${Object.keys(BENCHES).join(" | ")}] … [options]
npm run bench -- profile

Measures Signalbox beside the least that could do the same, in the same run. Ends with 1 when a firm bound is missed.
\`profile\` tells where Signalbox spends the time of accept and refuse instead.

  --repeats <n>   fresh processes of each kind, of which the medians are taken (default 5)
  --json          prints everything measured as JSON instead of the table
`;

await main();

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repeats: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (positionals.join() === "profile") {
    console.log(await profile((line) => console.error(line)));
    return;
  }
  const repeats = Number(values.repeats);
  const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals;
  if (values.help || !names.every(isName) || !Number.isInteger(repeats) || repeats < 1) {
    console.log(HELP);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  if (process.platform !== "linux") {
    throw new Error("Memory and CPU time of a process are read from /proc, which only Linux has.");
  }
  const figures: Figure[] = [];
  for (const name of names) {
    figures.push(...(await BENCHES[name](repeats, (line) => console.error(line))));
  }
  console.log(
    values.json ? JSON.stringify({ machine: machine(), figures }, null, 2) : table(figures),
  );
  process.exitCode = figures.every((figure) => holds(figure) || !figure.bound?.firm) ? 0 : 1;
}

function isName(name: string): name is Name {
  return Object.hasOwn(BENCHES, name);
}

function machine(): object {
  const [first] = cpus();
  return {
    cpu: first?.model ?? "unknown",
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

function table(figures: readonly Figure[]): string {
  const header = ["", "Signalbox", "held against", "", "ratio", "bound"];
  const rows = figures.map((figure) => [
    figure.name,
    amount(figure.signalbox, figure.unit),
    figure.against === null ? "" : amount(figure.against.value, figure.unit),
    figure.against?.name ?? "",
    figure.against === null ? "" : ratio(judged(figure)),
    verdict(figure),
  ]);
  const widths = header.map((_, n) =>
    Math.max(...[header, ...rows].map((row) => row[n]?.length ?? 0)),
  );
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, n) => {
          const width = widths[n] ?? 0;
          return [0, 3, 5].includes(n) ? cell.padEnd(width) : cell.padStart(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .map((line, n) => (n === 0 ? styleText("bold", line) : line))
    .join("\n");
}

/** Nothing for what could not be measured. */
function amount(value: number, unit: string): string {
  if (Number.isNaN(value)) {
    return "";
  }
  const few = value < 10 && !Number.isInteger(value);
  return `${value.toFixed(few ? 1 : 0)} ${unit}`.trimEnd();
}

function ratio(value: number): string {
  return Number.isNaN(value) ? "" : value.toFixed(2);
}

function verdict(figure: Figure): string {
  if (figure.bound === null) {
    return "";
  }
  const { kind, value, firm } = figure.bound;
  const mark = holds(figure) ? "✓" : firm ? "✗" : "–";
  return `${mark} ${kind} ${value}${firm ? "" : ", an aim"}`;
}
