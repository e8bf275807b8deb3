import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./lib/repo.ts";

/**
 * What can be known of the packages without asking anybody: the lock file is whole, fits package.json, and has nothing in it
 * that nobody agreed to. What is known against their versions, `npm run audit` asks the registry.
 */

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Partial<Record<string, boolean>>>;
}

/** Of what is bundled into the Worker, and so handed on. */
const HANDED_ON = new Set(["MIT", "ISC", "Apache-2.0"]);
/** Of what only builds and tests. */
const USED = new Set([
  ...HANDED_ON,
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "LGPL-3.0-or-later",
  "MPL-2.0",
  "Python-2.0",
  "Unlicense",
]);
/** These come as one package for each platform; a lock file that was made on one may have left the others out. */
const PER_PLATFORM = ["workerd", "esbuild", "oxlint", "oxfmt"];

const read = async <T>(name: string): Promise<T> =>
  JSON.parse(await readFile(join(ROOT, name), "utf8")) as T;
const manifest = await read<Manifest>("package.json");
const { packages } = await read<{ packages: Readonly<Record<string, Locked>> }>(
  "package-lock.json",
);

const faults = [...inManifest(), ...Object.entries(packages).flatMap(inPackage), ...inPlatforms()];
for (const fault of faults) {
  console.error(fault);
}
process.exitCode = faults.length === 0 ? 0 : 1;

function inManifest(): string[] {
  const { dependencies, devDependencies } = manifest;
  const asked = Object.entries({ ...dependencies, ...devDependencies });
  const same =
    JSON.stringify([packages[""]?.dependencies, packages[""]?.devDependencies]) ===
    JSON.stringify([dependencies, devDependencies]);
  return [
    ...(same ? [] : ["package-lock.json is of another package.json: run npm install"]),
    ...asked
      .filter(([name, version]) => packages[`node_modules/${name}`]?.version !== version)
      .map(([name, version]) => `${name}: ${version} is not the one version that is locked`),
  ];
}

function inPackage([path, locked]: readonly [string, Locked]): string[] {
  if (path === "") {
    return [];
  }
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const { resolved, integrity = "", license = "", hasInstallScript = false } = locked;
  const only = locked.dev === true || locked.devOptional === true;
  const wrong: (string | false)[] = [
    !integrity.startsWith("sha512-") && "has no SHA-512 that it is held against",
    resolved !== undefined && "names the host it came from, which whoever installs it is to choose",
    hasInstallScript && manifest.allowScripts[name] !== true && "runs a script when installed",
    !isFree(license, only ? USED : HANDED_ON) && `has the licence "${license}"`,
  ];
  return wrong.filter((fault) => fault !== false).map((fault) => `${path} ${fault}`);
}

/** Of several that may be chosen from, one is enough; of those that all count, each has to be. */
function isFree(license: string, free: ReadonlySet<string>): boolean {
  const some = license.replaceAll(/[()]/g, "").split(" OR ");
  return some.some((all) => all.split(" AND ").every((each) => free.has(each)));
}

function inPlatforms(): string[] {
  return PER_PLATFORM.flatMap((name) => {
    const platforms = Object.keys(packages[`node_modules/${name}`]?.optionalDependencies ?? {});
    const missing = platforms.filter((each) => packages[`node_modules/${each}`] === undefined);
    return platforms.length === 0
      ? [`${name} has no packages for platforms`]
      : missing.map((each) => `${each} is missing, which ${name} needs elsewhere`);
  });
}
