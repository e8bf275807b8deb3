import { relative } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./lib/build.ts";
import { ROOT } from "./lib/repo.ts";

const { values } = parseArgs({ options: { faults: { type: "boolean", default: false } } });
const { bundle, fresh } = await build(values);
console.log(`${relative(ROOT, bundle)} ${fresh ? "built" : "is up to date"}`);
