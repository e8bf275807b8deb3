import { buildAssets } from "../../scripts/lib/assets.ts";

/** Before the tests of a layer that loads the dashboard without wrangler's build. */
export const setup = buildAssets;
