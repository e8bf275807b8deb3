import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clientTypes } from "./lib/client-types.ts";
import { ROOT } from "./lib/repo.ts";

/** `npm run client:types`: the types of the API for openapi-fetch, of the routes as they are now. */
await writeFile(join(ROOT, "docs/examples/client/signalbox.d.ts"), await clientTypes());
