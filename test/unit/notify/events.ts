import type { Deploy, Event, EventType } from "../../../src/project/shapes.ts";

/** A deploy of production that failed in its build. */
export function deploy(change: Partial<Deploy> & Record<string, unknown> = {}): Deploy {
  return {
    id: "dpl_01M860HP1VPCF9VA6FSQ6C6G86",
    number: 414,
    project: "blog",
    kind: "build",
    status: "failed",
    reason: "Failed in build.",
    reason_code: "failed_build",
    waiting: null,
    trigger: {
      id: "trg_01M860HP1V1F6NQ4ZQ3S113JN9",
      kind: "hook",
      source: "github",
      actor: "ines",
      delivery_id: "72d3162e",
    },
    branch: "main",
    environment: "production",
    target: "production",
    commit_hash: "c3f81aa000000000000000000000000000000000",
    commit_message: "Fix the cart\n\nIt lost its last item.",
    commit_dirty: null,
    created_at: "2026-11-24T05:30:00.000Z",
    started_at: "2026-11-24T05:30:20.000Z",
    ended_at: "2026-11-24T05:32:28.000Z",
    stages: [],
    deployment: {
      id: "5c71df2d-fcce-4f5d-bb0d-bfa50e65a872",
      url: "https://5c71df2d.blog.pages.dev",
      aliases: [],
      environment: "production",
    },
    attempts: 1,
    superseded_by: null,
    retry_of: null,
    promoted_from: null,
    retries: 0,
    not_before: null,
    approved_by: null,
    released_by: null,
    health: null,
    waited_ms: 20_000,
    links: {
      dashboard: "https://signalbox.example.com/projects/blog/deploys/414",
      deployment: "https://dash.cloudflare.com/0123/pages/view/blog/5c71df2d",
      logs: "https://signalbox.example.com/v1/projects/blog/deploys/dpl_1/logs",
      site: "https://blog.example.com",
    },
    failure: { stage: "build", log: ["> astro build", "Cannot find module 'cart'"] },
    ...change,
  } as Deploy;
}

export function event(type: EventType, data: Record<string, unknown>): Event {
  return {
    id: "evt_01M860HQY91R8V7YBB9B8VC4XT",
    type,
    timestamp: "2026-11-24T05:32:28.000Z",
    project: "blog",
    sequence: 97,
    data,
  };
}
