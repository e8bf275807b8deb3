import { existsSync, statfsSync } from "node:fs";

import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

import { MUTANT, mutation } from "./test/mutants/mutate.ts";

/** With this much room in memory, the storage of the objects under test is kept there: on a disk it is most of their time. */
const ROOM_BYTES = 2 * 1024 ** 3;
const MEMORY = "/dev/shm";
if (existsSync(MEMORY)) {
  const { bavail, bsize } = statfsSync(MEMORY);
  if (bavail * bsize > ROOM_BYTES) {
    process.env["TMPDIR"] = MEMORY;
  }
}

/** A test that computes may take 4 s on a core of its own, and layers run beside each other on fewer cores than they want. */
const COMPUTING_MS = 20_000;

/** What asks for a certain run of a model, for more of them, or for a larger fleet: see test/support/runs.ts and fleet.test.ts. */
const modelEnv = Object.fromEntries(
  ["SIGNALBOX_SEED", "SIGNALBOX_PATH", "SIGNALBOX_RUNS", "SIGNALBOX_STEPS", "SIGNALBOX_FLEET"].map(
    (name) => [name, process.env[name] ?? ""],
  ),
);

export default defineConfig({
  test: {
    // What a mutant has changed must not be found by the next run.
    fsModuleCache: process.env[MUTANT] === undefined,
    projects: [
      {
        define: { __FAULTS__: "true" },
        plugins: [mutation()],
        test: {
          name: "unit",
          // To load the modules anew for each file takes longer than most of its tests do. What they test keeps no state.
          isolate: false,
          env: modelEnv,
          include: ["test/unit/**/*.test.ts"],
          testTimeout: COMPUTING_MS,
        },
      },
      {
        define: { __FAULTS__: "true" },
        plugins: [
          mutation(),
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            verbose: false,
            miniflare: {
              // A tripwire: tests replace `fetch`; whatever still gets out is answered with a status nobody expects.
              bindings: {
                SIGNALBOX_KEYS: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE",
                CLOUDFLARE_ACCOUNT_ID: "0123456789abcdef0123456789abcdef",
                CLOUDFLARE_API_TOKEN: "sandbox-token",
                CLOUDFLARE_API_BASE_URL: "https://api.cloudflare.test/client/v4",
                ACCESS_TEAM: "https://acme.cloudflareaccess.com",
                ACCESS_AUD: `${"a".repeat(64)} ${"b".repeat(64)}`,
              },
              outboundService: (request: Request) =>
                new Response(`unmocked ${request.url}`, { status: 599 }),
            },
          }),
        ],
        test: {
          name: "workers",
          globalSetup: "test/support/assets.ts",
          // To start the runtime anew for each file takes longer than its tests do. Files have objects of their own names.
          isolate: false,
          env: modelEnv,
          // A bench in virtual time, when it is asked for (bench/notice.ts).
          include: [process.env["SIGNALBOX_BENCH"] ?? "test/workers/**/*.test.ts"],
          setupFiles: ["test/workers/support/contract.ts", "test/workers/support/forget.ts"],
          testTimeout: COMPUTING_MS,
        },
      },
      {
        test: {
          name: "sandbox",
          isolate: false,
          include: ["test/sandbox/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          setupFiles: ["test/e2e/support/contract.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          setupFiles: ["test/e2e/support/contract.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "long",
          include: ["test/long/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
