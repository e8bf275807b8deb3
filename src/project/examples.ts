import type { Event, EventData } from "./catalogue.ts";
import { DEFAULT_POLICY } from "./policy.ts";
import type { Deploy, EventType, External, Lock, Stage } from "./shapes.ts";

const ID = "01M860HP1VPCF9VA6FSQ6C6G86";
const DEPLOYMENT = "5c71df2d-fcce-4f5d-bb0d-bfa50e65a872";
const OTHER = "271f8dd1-52b1-4a0c-9c54-8d6d1d0a6f35";
const at = (time: string): string => `2026-11-24T${time}.000Z`;

const stage = (name: string, status: string, from: string, to: string | null): Stage => ({
  name,
  status,
  started_on: at(from),
  ended_on: to === null ? null : at(to),
});
const BUILD = stage("build", "active", "05:30:24", null);
const BEGUN = [
  stage("queued", "success", "05:30:20", "05:30:21"),
  stage("initialize", "success", "05:30:21", "05:30:22"),
  stage("clone_repo", "success", "05:30:22", "05:30:24"),
];

/** A deploy that waits, as one is at first. */
const WAITING: Deploy = {
  id: `dpl_${ID}`,
  number: 414,
  project: "blog",
  kind: "build",
  status: "queued",
  reason: null,
  reason_code: null,
  waiting: null,
  trigger: {
    id: `trg_${ID}`,
    kind: "hook",
    source: "github",
    actor: "ines",
    delivery_id: "72d3162e",
  },
  branch: "main",
  environment: "production",
  target: "production",
  commit_hash: "c3f81aa94ce6f1a2b3c4d5e6f7a8b9c0d1e2f3a4",
  commit_message: "Fix the cart",
  commit_dirty: null,
  created_at: at("05:30:00"),
  started_at: null,
  ended_at: null,
  stages: [],
  deployment: null,
  attempts: 0,
  superseded_by: null,
  retry_of: null,
  promoted_from: null,
  retries: 0,
  not_before: null,
  approved_by: null,
  released_by: null,
  health: null,
  links: {
    dashboard: "https://signalbox.example.com/projects/blog/deploys/414",
    deployment: null,
    logs: `https://signalbox.example.com/v1/projects/blog/deploys/dpl_${ID}/logs`,
    site: "https://blog.example.com",
  },
  waited_ms: 0,
  waits: [],
  failure: null,
};
const STARTED: Deploy = {
  ...WAITING,
  status: "submitting",
  started_at: at("05:30:20"),
  waited_ms: 20_000,
  waits: [{ for: "turn", ms: 20_000 }],
};
const RUNNING: Deploy = {
  ...STARTED,
  status: "running",
  attempts: 1,
  stages: [...BEGUN, BUILD],
  deployment: {
    id: DEPLOYMENT,
    url: "https://5c71df2d.blog.pages.dev",
    aliases: [],
    environment: "production",
  },
  links: {
    ...WAITING.links,
    deployment: `https://dash.cloudflare.com/0123456789abcdef0123456789abcdef/pages/view/blog/${DEPLOYMENT}`,
  },
};
const LIVE: Deploy = {
  ...RUNNING,
  status: "succeeded",
  ended_at: at("05:32:28"),
  stages: [
    ...BEGUN,
    stage("build", "success", "05:30:24", "05:32:20"),
    stage("deploy", "success", "05:32:20", "05:32:28"),
  ],
};
const FAILED: Deploy = {
  ...LIVE,
  status: "failed",
  reason: "Failed in build.",
  reason_code: "failed_build",
  stages: [...BEGUN, stage("build", "failure", "05:30:24", "05:32:28")],
  failure: { stage: "build", log: ["> astro build", "Cannot find module 'cart'"] },
};

const ended = (status: Deploy["status"], code: string, reason: string): { deploy: Deploy } => ({
  deploy: { ...WAITING, status, reason, reason_code: code, ended_at: at("05:30:20") },
});
const held = (reason: "approval" | "window", text: string): Deploy => ({
  ...WAITING,
  reason: text,
  reason_code: reason,
  waiting: { for: reason, until: at("18:00:00") },
});

const EXTERNAL: External = {
  deployment_id: OTHER,
  status: "running",
  stage: "build",
  trigger: "github:push",
  environment: "production",
  branch: "main",
  target: "production",
  url: "https://271f8dd1.blog.pages.dev",
  commit_hash: WAITING.commit_hash,
  commit_message: "Fix the cart",
  created_on: at("05:30:00"),
  since: at("05:30:10"),
  ended_at: null,
};
const LOCK: Lock = {
  id: `lck_${ID}`,
  environment: "production",
  holder: "Ada",
  reason: "the fair",
  until: null,
  created_at: at("05:00:00"),
};
const HELD = held("window", "Waits for a window to open at 18:00:00 UTC.");
const ENDPOINT = { subscriber_id: `sub_${ID}`, url_host: "hooks.example.com" };
const OPENING = { environment: "production", until: at("18:00:00"), reason: null } as const;

const EXAMPLES: { readonly [T in EventType]: EventData<T> } = {
  "deploy.queued": { deploy: WAITING },
  "deploy.held": { deploy: HELD },
  "deploy.released": { deploy: WAITING, held_for: "window" },
  "deploy.approval_requested": {
    deploy: held("approval", "Waits for approval, until 18:00:00 UTC."),
  },
  "deploy.approved": { deploy: { ...WAITING, approved_by: "tok_ada" }, by: "tok_ada" },
  "deploy.superseded": ended(
    "superseded",
    "superseded",
    "Superseded by #415: a newer push to main, 6 s later.",
  ),
  "deploy.canceled": ended("canceled", "canceled", "Canceled by tok_ada while it waited."),
  "deploy.started": { deploy: STARTED },
  "deploy.stage": { deploy: RUNNING, stage: BUILD },
  "deploy.reconciling": { deploy: { ...STARTED, status: "reconciling", attempts: 1 } },
  "deploy.succeeded": { deploy: LIVE, recovered: false },
  "deploy.failed": { deploy: FAILED },
  "deploy.recovered": { deploy: LIVE },
  "deploy.timed_out": {
    deploy: {
      ...RUNNING,
      status: "timed_out",
      reason: "Timed out in build: it ran 20 min, its deadline.",
      reason_code: "timed_out",
      ended_at: at("05:50:20"),
    },
  },
  "deploy.skipped": ended("skipped", "skipped_upstream", "Skipped by Cloudflare: path rules."),
  "deploy.abandoned": {
    deploy: { ...RUNNING, status: "canceled", ended_at: at("05:31:00") },
    deployment_id: DEPLOYMENT,
  },
  "deploy.stray": { deploy: LIVE, deployment_id: OTHER },
  "deploy.rolled_back": { deploy: { ...LIVE, kind: "rollback" }, to_deployment_id: DEPLOYMENT },
  "deploy.promoted": {
    deploy: { ...LIVE, kind: "promote", promoted_from: "dpl_01M85ZZZ00PCF9VA6FSQ6C6G86" },
  },
  "deploy.verified": { deploy: { ...LIVE, status: "verifying", ended_at: null } },
  "deploy.health_failed": {
    deploy: {
      ...LIVE,
      status: "failed",
      reason: "Failed its health check: /cart answered 500, 3 times.",
      reason_code: "health_failed",
      health: { tries: 3, checks: [{ url: "/cart", ok: false, detail: "answered 500" }] },
    },
    action: "Production is rolled back, by #415.",
  },
  "external.started": { external: EXTERNAL },
  "external.ended": {
    external: { ...EXTERNAL, status: "succeeded", stage: "deploy", ended_at: at("05:32:28") },
  },
  "project.registered": { name: "blog", account_id: "0123456789abcdef0123456789abcdef" },
  "project.policy_changed": { policy: DEFAULT_POLICY },
  "project.locked": { lock: LOCK },
  "project.unlocked": { lock: LOCK, reason: "released", by: "tok_ada" },
  "project.window_opened": OPENING,
  "project.window_closed": { ...OPENING, reason: "the weekend" },
  "project.quarantined": { key: `schedule/sch_${ID}`, strikes: 8 },
  "project.exported": { by: "tok_ada", include: "all" },
  "project.imported": {
    by: "tok_ada",
    from: "blog",
    imported: { policy: 1, hook: 2, deploy: 413 },
  },
  "hook.refused": {
    hook_id: `hok_${ID}`,
    source: "github",
    reason: "X-Hub-Signature-256 does not match.",
    reason_code: "bad_signature",
  },
  "subscriber.failing": {
    ...ENDPOINT,
    failures: 5,
    reason: "It answered 500.",
    given_up: null,
  },
  "subscriber.disabled": { ...ENDPOINT, reason: "It answered 410 Gone." },
  "subscriber.recovered": ENDPOINT,
  "test.ping": { subscriber_id: `sub_${ID}`, test: true, message: "A test event." },
};

/** What is in `data` of an event of this type, for documents and for trying a subscriber out. */
export function exampleOf<T extends EventType>(type: T): EventData<T> {
  return EXAMPLES[type];
}

export function exampleEvent(type: EventType): Event {
  return {
    id: `evt_${ID}`,
    type,
    timestamp: at("05:32:28"),
    project: "blog",
    sequence: 97,
    data: exampleOf(type),
  } as Event;
}
