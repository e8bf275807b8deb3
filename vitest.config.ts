import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        define: { __FAULTS__: "true" },
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
        },
      },
      {
        define: { __FAULTS__: "true" },
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              // A tripwire: tests replace `fetch`; whatever still gets out is answered with a status nobody expects.
              bindings: {
                SIGNALBOX_KEYS: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE",
                CLOUDFLARE_ACCOUNT_ID: "0123456789abcdef0123456789abcdef",
                CLOUDFLARE_API_TOKEN: "sandbox-token",
                CLOUDFLARE_API_BASE_URL: "https://api.cloudflare.test/client/v4",
              },
              outboundService: (request: Request) =>
                new Response(`unmocked ${request.url}`, { status: 599 }),
            },
          }),
        ],
        test: {
          name: "workers",
          include: ["test/workers/**/*.test.ts"],
        },
      },
      {
        test: {
          name: "sandbox",
          include: ["test/sandbox/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
