import { mkdir, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./repo.ts";

const FROM = join(ROOT, "src/dashboard/assets");
const TO = join(ROOT, "out/assets");
const FILES = ["dashboard.css", "dashboard.client.js", "reference.css", "reference.client.js"];

/** Writes what browsers load from the dashboard, each file whole and minified. Safe to run several times at once. */
export async function buildAssets(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: FILES.map((name) => join(FROM, name)),
    outdir: TO,
    bundle: true,
    minify: true,
    target: "es2024",
    write: false,
  });
  await mkdir(TO, { recursive: true });
  await Promise.all(
    outputFiles.map(async ({ path, contents }) => {
      const scratch = join(TO, `.${basename(path)}.${process.pid}`);
      await writeFile(scratch, contents);
      await rename(scratch, path);
    }),
  );
}
