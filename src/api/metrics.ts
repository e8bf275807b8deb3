import * as z from "zod";

import { callProject } from "../call.ts";
import { referenceOf } from "../objects.ts";
import type { Gauges } from "../project/numbers.ts";
import { visitProjects } from "../walk.ts";
import { askInstance, type Api } from "./context.ts";
import { onInstance } from "./guard.ts";
import { refusals } from "./responses.ts";
import { createRoute } from "./route.ts";

const metrics = createRoute({
  method: "get",
  path: "/metrics",
  operationId: "getMetrics",
  summary: "All projects in Prometheus' text format",
  description:
    "Asks every registered project, so once a minute is often enough. Times of waits are of the last 24 hours.",
  tags: ["Instance"],
  ...onInstance("read"),
  responses: {
    200: { description: "The metrics.", content: { "text/plain": { schema: z.string() } } },
    ...refusals(),
  },
});

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function metricRoutes(api: Api): void {
  api.openapi(metrics, async (c) => {
    const found: [project: string, gauges: Gauges][] = [];
    const { visited, failed } = await visitProjects(c.env, async ({ key }) => {
      const gauges = await callProject(c.env, key, (project) => project.gauges());
      if (gauges !== null) {
        found.push([referenceOf(key, c.var.config.accountId), gauges]);
      }
    });
    found.sort(([a], [b]) => (a < b ? -1 : 1));
    const owners = await askInstance(c, (instance) => instance.budgets());
    const each = (read: (gauges: Gauges) => readonly Sample[]): Sample[] =>
      found.flatMap(([project, gauges]) =>
        read(gauges).map(({ labels, value }) => ({ labels: { project, ...labels }, value })),
      );
    const now = Date.now();
    const text = [
      metric("signalbox_projects", "Registered projects.", [{ labels: {}, value: visited }]),
      metric("signalbox_projects_unreachable", "Projects that gave no answer to this request.", [
        { labels: {}, value: failed },
      ]),
      metric(
        "signalbox_deploys_running",
        "Deploys that have their lane.",
        each(({ running }) => [{ labels: {}, value: running }]),
      ),
      metric(
        "signalbox_deploys_waiting",
        "Deploys that wait, for whatever.",
        each(({ waiting }) => [{ labels: {}, value: waiting }]),
      ),
      metric(
        "signalbox_deploys_ended_24h",
        "Deploys that ended in the last 24 hours.",
        each(({ ended }) =>
          ended.map(({ environment, status, count }) => ({
            labels: { environment, status },
            value: count,
          })),
        ),
      ),
      metric(
        "signalbox_deploy_wait_seconds",
        "From trigger to start, over the last 24 hours.",
        each(({ wait }) =>
          [
            { labels: { quantile: "0.5" }, value: wait.p50 },
            { labels: { quantile: "0.95" }, value: wait.p95 },
          ].flatMap(({ labels, value }) =>
            value === null ? [] : [{ labels, value: value / 1000 }],
          ),
        ),
      ),
      metric(
        "signalbox_subscribers_failing",
        "Subscribers that deliveries fail to reach, or that are disabled for it.",
        each(({ failing_subscribers: value }) => [{ labels: {}, value }]),
      ),
      metric(
        "signalbox_budget_permits",
        "Calls to Cloudflare that could be made at once, of each credential's owner.",
        owners.map(({ owner, level }) => ({ labels: { owner }, value: level })),
      ),
      metric(
        "signalbox_budget_blocked_seconds",
        "How long nobody calls yet after a 429.",
        owners.map(({ owner, blocked_until: until }) => ({
          labels: { owner },
          value: until === null ? 0 : (until - now) / 1000,
        })),
      ),
    ].join("");
    return c.text(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}

/** One gauge with its samples, as Prometheus' text format writes it. */
function metric(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
