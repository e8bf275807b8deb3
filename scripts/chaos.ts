import { parseArgs, styleText } from "node:util";
import { chaos } from "./chaos/run.ts";

const HELP = `npm run chaos -- [options]

Runs Signalbox and the sandbox under load over all doors, kills Signalbox (SIGKILL) again and again, and
reconciles in the end what was accepted, made and told. Ends with 1 if anything is not as it must be.

  --kills <n>   how often (default 100)
  --seed <n>    what is asked for and when, and when it is killed (default: another each time)
`;

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  console.log(HELP);
} else {
  await main(readNumber("--kills", values.kills), readNumber("--seed", values.seed));
}

async function main(kills: number, seed: number): Promise<void> {
  console.log(`npm run chaos -- --kills ${kills} --seed ${seed}`);
  const began = performance.now();
  const say = (line: string): void => console.log(styleText("dim", line));
  const { counts, broken } = await chaos({ kills, seed, say });
  console.log();
  for (const [name, count] of Object.entries(counts)) {
    console.log(`${name.padEnd(20)} ${String(count).padStart(7)}`);
  }
  console.log(
    `${"seconds".padEnd(20)} ${((performance.now() - began) / 1000).toFixed(0).padStart(7)}`,
  );
  console.log(`${"broken promises".padEnd(20)} ${String(broken.length).padStart(7)}`);
  broken.forEach((line) => console.log(styleText("red", `✗ ${line}`)));
  process.exitCode = broken.length === 0 ? 0 : 1;
}

function readNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    console.error(`${option} must be a whole number from 1, not "${text}".`);
    process.exit(1);
  }
  return Number(text);
}
