import type { Overview } from "../../../src/project/overview.ts";
import { DEFAULT_POLICY } from "../../../src/project/policy.ts";
import type { Deploy, Lock, ProjectView } from "../../../src/project/shapes.ts";
import type { Usual } from "../../../src/project/usual.ts";
import type { Clock } from "../../../src/dashboard/model/time.ts";
import { plain, type Sentence } from "../../../src/dashboard/model/text.ts";

/** Tuesday, 24 November 2026, 14:31:07 in Berlin. */
export const NOW = Date.UTC(2026, 10, 24, 13, 31, 7);
export const CLOCK: Clock = { now: NOW, zone: "Europe/Berlin" };

export const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1000).toISOString();

/** Without the spaces that do not break, which no test is about. */
export const said = (sentence: Sentence): string => plain(sentence).replaceAll("\u00A0", " ");

export function deploy(change: Partial<Deploy> = {}): Deploy {
  return {
    id: `dpl_${change.number ?? 1}`,
    number: 1,
    project: "storefront",
    kind: "build",
    status: "succeeded",
    reason: null,
    reason_code: null,
    waiting: null,
    trigger: {
      id: "trg_1",
      kind: "hook",
      source: "github",
      actor: "Jonas Weber",
      delivery_id: null,
    },
    branch: "main",
    environment: "production",
    target: "production",
    commit_hash: "4be07a2c00000000000000000000000000000000",
    commit_message: "Explain delivery times",
    commit_dirty: null,
    created_at: at(600),
    started_at: at(590),
    ended_at: at(480),
    stages: [],
    deployment: null,
    attempts: 1,
    superseded_by: null,
    retry_of: null,
    promoted_from: null,
    retries: 0,
    not_before: null,
    approved_by: null,
    released_by: null,
    health: null,
    links: { dashboard: null, deployment: null, logs: null, site: null },
    waited_ms: 0,
    waits: [],
    failure: null,
    ...change,
  };
}

export const waiting = (change: Partial<Deploy>): Deploy =>
  deploy({ status: "queued", started_at: null, ended_at: null, ...change });

/** 72 s into it: clone is over, the build goes on. */
export const running = (change: Partial<Deploy> = {}): Deploy =>
  deploy({
    number: 414,
    status: "running",
    commit_hash: "8f2c1d9a00000000000000000000000000000000",
    started_at: at(72),
    ended_at: null,
    stages: [
      { name: "queued", status: "success", started_on: at(72), ended_on: at(70) },
      { name: "clone_repo", status: "success", started_on: at(70), ended_on: at(60) },
      { name: "build", status: "active", started_on: at(60), ended_on: null },
      { name: "deploy", status: "idle", started_on: null, ended_on: null },
    ],
    ...change,
  });

export const USUAL: Usual = {
  kind: "build",
  target: "production",
  runs: 10,
  total_ms: 128_000,
  stages: [
    { name: "queued", ms: 2_000 },
    { name: "clone_repo", ms: 10_000 },
    { name: "build", ms: 94_000 },
    { name: "deploy", ms: 22_000 },
  ],
};

export const LOCK: Lock = {
  id: "lck_1",
  environment: "production",
  holder: "Ines Marwitz",
  reason: "Login loop on Safari",
  until: new Date(Date.UTC(2026, 10, 25, 11)).toISOString(),
  created_at: at(3_600),
};

export function overview(
  project: Partial<ProjectView> = {},
  more: Partial<Overview> = {},
): Overview {
  const open = { open: true, until: null, reason: null };
  return {
    project: {
      project: "storefront",
      name: "storefront",
      account_id: "a",
      production_branch: "main",
      subdomain: "storefront.pages.dev",
      domains: ["storefront.pages.dev", "storefront.example.com"],
      source: "git",
      live: deploy({ number: 407 }),
      running: [],
      waiting: [],
      leftovers: [],
      externals: [],
      locks: [],
      policy: DEFAULT_POLICY,
      registered_at: at(100_000),
      ...project,
    },
    usual: [USUAL],
    failing: [],
    last: null,
    openings: { production: open, preview: open },
    ...more,
  };
}
