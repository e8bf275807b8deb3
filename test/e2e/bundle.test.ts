import { mkdtempDisposable, readFile, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleInto, textModules, uploadedKiB } from "../../scripts/lib/build.ts";
import { ROOT } from "../../scripts/lib/repo.ts";

/** Start-up time follows size. The aim is 250 (docs/performance.md); what comes near this should be looked at before the number is. */
const BUDGET_KIB = 270;

describe("the bundle that gets deployed", () => {
  let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
  let printed = "";
  let bundle = "";

  beforeAll(async () => {
    folder = await mkdtempDisposable(join(tmpdir(), "signalbox-bundle-"));
    printed = await bundleInto(folder.path);
    bundle = await readFile(join(folder.path, "index.js"), "utf8");
  });
  afterAll(() => folder.remove());

  test("passes wrangler's dry run with its bindings", () => {
    expect(printed).toContain("env.PROJECT (Project)");
    expect(printed).toContain("env.INSTANCE (Instance)");
    expect(printed).toContain("--dry-run: exiting now.");
  });

  test(`weighs at most ${BUDGET_KIB} KiB compressed`, async () => {
    expect(await textModules(join(folder.path, "index.js"))).toHaveLength(4);
    const kib = await uploadedKiB(join(folder.path, "index.js"));
    console.log(`bundle: ${(bundle.length / 1024).toFixed(0)} KiB, ${kib.toFixed(1)} KiB gzip`);
    expect(kib).toBeLessThanOrEqual(BUDGET_KIB);
  });

  test("holds nothing of the fault points", async () => {
    const points = await faultPoints();
    expect(points).not.toEqual([]);
    expect(["__FAULTS__", "__fault"].filter((text) => bundle.includes(text))).toEqual([]);
    expect(points.filter((name) => mentions(bundle, name))).toEqual([]);
  });

  test("has them all when built for crash tests", async () => {
    const faulty = join(folder.path, "faults");
    await bundleInto(faulty, ["--define", "__FAULTS__:true"]);
    const text = await readFile(join(faulty, "index.js"), "utf8");
    expect(text).toContain("__fault");
    expect((await faultPoints()).filter((name) => !mentions(text, name))).toEqual([]);
  });
});

/** Whether a literal in `code` begins with `name`. */
function mentions(code: string, name: string): boolean {
  return [`"${name}`, `'${name}`, `\`${name}`].some((literal) => code.includes(literal));
}

/** Every name that is passed to `fault()` anywhere in the Worker; of a template, what comes before its first variable. */
async function faultPoints(): Promise<string[]> {
  const names = new Set<string>();
  for (const path of await readdir(join(ROOT, "src"), { recursive: true })) {
    if (/\.tsx?$/.test(path)) {
      const source = await readFile(join(ROOT, "src", path), "utf8");
      for (const [, name = ""] of source.matchAll(/\bfault\(\s*["'`](.+?)(?:["'`]|\$\{)/g)) {
        names.add(name);
      }
    }
  }
  return [...names];
}
