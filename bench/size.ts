import { build, uploadedKiB } from "../scripts/lib/build.ts";
import { alone, compare, median } from "./lib/figure.ts";
import type { Figure } from "./lib/figure.ts";
import { cpuMs, residentMiB } from "./lib/process.ts";
import { startMinimal, startSignalbox } from "./lib/sides.ts";

/** What is uploaded at a deploy, and what starting it costs. */
export async function size(repeats: number, say: (line: string) => void): Promise<Figure[]> {
  const gzipped = await uploadedKiB((await build()).bundle);
  const cpu = { signalbox: [] as number[], minimal: [] as number[] };
  const memory = { signalbox: [] as number[], minimal: [] as number[] };
  for (let n = 1; n <= repeats; n++) {
    say(`size: ${n} of ${repeats}`);
    for (const [name, start] of [
      ["minimal", () => startMinimal("accept.js")],
      ["signalbox", () => startSignalbox()],
    ] as const) {
      await using side = await start();
      cpu[name].push(cpuMs(side.pid));
      memory[name].push(residentMiB(side.pid));
    }
  }
  const name = "minimal Worker";
  return [
    alone("what a deploy uploads, gzip", "KiB", [gzipped], {
      kind: "at most",
      value: 250,
      firm: false,
    }),
    compare("CPU time to the first answer, runtime included", "ms", cpu.signalbox, {
      name,
      samples: cpu.minimal,
    }),
    alone(
      "that without the minimal Worker's",
      "ms",
      [median(cpu.signalbox) - median(cpu.minimal)],
      { kind: "at most", value: 500, firm: false },
    ),
    compare("memory then", "MiB", memory.signalbox, { name, samples: memory.minimal }),
  ];
}
