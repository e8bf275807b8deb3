import { expect, test } from "vitest";
import { largeForm } from "../../bench/lib/form.ts";
import {
  BUNDLE_BYTES,
  GROWTH_BOUND,
  throughMinimal,
  throughSignalbox,
} from "../../bench/stream.ts";

/** One sample of what the bench repeats: far enough from the bound for its noise, and both check the bytes. */
test.runIf(process.platform === "linux")(
  "the largest bundle passes in about the memory that the least such Worker takes",
  async () => {
    const form = largeForm(BUNDLE_BYTES);
    const floor = await throughMinimal(form, 1);
    const { growthMiB } = await throughSignalbox(form, 1);
    console.log(`grew ${growthMiB.toFixed(0)} MiB, ${floor.growthMiB.toFixed(0)} MiB the least`);
    expect(growthMiB).toBeGreaterThan(0);
    expect(growthMiB / floor.growthMiB).toBeLessThanOrEqual(GROWTH_BOUND);
  },
);
