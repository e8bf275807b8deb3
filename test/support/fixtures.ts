import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Fixture, type NamedFixture } from "./fixture.ts";

const ROOT = fileURLToPath(new URL("../fixtures/sources/", import.meta.url));

/** By source and case. */
export const fixtures: readonly NamedFixture[] = readdirSync(ROOT, { recursive: true })
  .map(String)
  .filter((path) => path.endsWith(".json"))
  .sort()
  .map((path) => {
    const [folder = "", file = ""] = path.split(/[/\\]/);
    const fixture = Fixture.parse(JSON.parse(readFileSync(join(ROOT, path), "utf8")));
    return { folder, name: file.replace(".json", ""), fixture };
  });
