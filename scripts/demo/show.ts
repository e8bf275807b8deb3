import type { Deploy, Event, Stage } from "../../src/project/shapes.ts";
import { seconds, short } from "./paper.ts";
import type { Paper } from "./paper.ts";
import type { Heard, Receiver } from "./receiver.ts";
import { current, progress, tookMs } from "./stage.ts";

const TICK_MS = 100;

/**
 * Prints each event as the receiver hears it, and keeps the running deploy's progress below. Begins with those that it has
 * heard already, from the `from`th on. Returns how to end that.
 */
export function show(paper: Paper, receiver: Receiver, from: number): () => void {
  const seen = new Set<string>();
  let running: { deploy: Deploy; since: number } | null = null;

  const tick = (): void => {
    if (running === null) {
      paper.now(null);
      return;
    }
    const { deploy, since } = running;
    const stage = current(deploy);
    const name = stage === undefined ? deploy.status : `in ${stage.name}`;
    paper.now(`#${deploy.number} ${progress(deploy)} ${name}, ${seconds(Date.now() - since)}`);
  };

  const onHeard = (heard: Heard): void => {
    const { deploy } = heard.event.data as { deploy?: Deploy };
    if (deploy !== undefined && heard.event.type !== "deploy.queued") {
      const since = running?.deploy.id === deploy.id ? running.since : Date.now();
      if (deploy.ended_at === null) {
        running = { deploy, since };
      } else if (running?.deploy.id === deploy.id) {
        running = null;
      }
    }
    paper.line(row(paper, heard, seen.has(heard.event.id)));
    seen.add(heard.event.id);
    tick();
  };
  receiver.heard.slice(from).forEach(onHeard);
  receiver.onHeard = onHeard;
  const timer = paper.live ? setInterval(tick, TICK_MS) : null;

  return () => {
    receiver.onHeard = () => undefined;
    clearInterval(timer ?? undefined);
    paper.now(null);
  };
}

function row(paper: Paper, { event, attempt }: Heard, again: boolean): string {
  const verified = again
    ? "verified, heard before"
    : attempt > 1
      ? `verified, attempt ${attempt}`
      : "verified";
  const sequence = String(event.sequence).padStart(3);
  return `${sequence}  ${event.type.padEnd(17)} ${what(event).padEnd(45)} ${paper.style("green", verified)}`;
}

function what({ type, data }: Event): string {
  const { deploy, stage } = data as { deploy?: Deploy; stage?: Stage };
  if (deploy === undefined) {
    return typeof data["reason_code"] === "string" ? data["reason_code"] : "";
  }
  const name = `#${deploy.number}`.padEnd(4);
  switch (type) {
    case "deploy.queued":
      return `${name} ${deploy.branch} ${short(deploy.commit_hash)}`;
    case "deploy.stage": {
      const ms = stage === undefined ? null : tookMs(stage);
      const status = stage?.status === "active" ? "runs" : (stage?.status ?? "");
      const took = ms === null ? "" : seconds(ms);
      return `${name} ${progress(deploy)} ${(stage?.name ?? "").padEnd(10)} ${status} ${took}`.trimEnd();
    }
    case "deploy.succeeded":
      return `${name} live at ${deploy.deployment?.url.replace("https://", "") ?? ""}`;
    default:
      return `${name} ${deploy.reason ?? ""}`.trimEnd();
  }
}
