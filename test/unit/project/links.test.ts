import { expect, it } from "vitest";

import { linksOf } from "../../../src/project/links.ts";
import type { DeployRow, ProjectRow } from "../../../src/project/rows.ts";

const env = { CLOUDFLARE_ACCOUNT_ID: "0123" };
const row = { id: "dpl_1", number: 7, environment: "production" } as DeployRow;
const project = {
  key: "0123/blog",
  account_id: "0123",
  name: "blog",
  subdomain: "blog.pages.dev",
  domains: '["blog.pages.dev","www.example.com"]',
  origin: "https://signalbox.workers.example",
} as ProjectRow;

it("leads to PUBLIC_URL rather than to where the project was registered, and to the project's own domain", () => {
  expect(
    linksOf({ ...env, PUBLIC_URL: " https://deploys.example.com/ " }, project, row, null),
  ).toEqual({
    dashboard: "https://deploys.example.com/projects/blog/deploys/7",
    deployment: null,
    logs: "https://deploys.example.com/v1/projects/blog/deploys/dpl_1/logs",
    site: "https://www.example.com",
  });
  expect(linksOf({ ...env, PUBLIC_URL: "" }, project, row, null).dashboard).toBe(
    "https://signalbox.workers.example/projects/blog/deploys/7",
  );
});

it("of a project in a further account have that account in them", () => {
  const links = linksOf({ CLOUDFLARE_ACCOUNT_ID: "4567" }, project, row, null);
  expect([links.dashboard, links.logs]).toEqual([
    "https://signalbox.workers.example/projects/0123:blog/deploys/7",
    "https://signalbox.workers.example/v1/projects/0123:blog/deploys/dpl_1/logs",
  ]);
});
