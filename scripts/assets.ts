import { buildAssets } from "./lib/assets.ts";

/** `npm run assets`: wrangler runs this before it bundles the Worker. */
await buildAssets();
