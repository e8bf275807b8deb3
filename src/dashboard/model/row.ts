import type { Overview } from "../../project/overview.ts";
import { inLine } from "./line.ts";
import { failedLast, lockOf, reasonOf } from "./now.ts";
import { runOf, usualFor } from "./run.ts";
import { firstLine, person, visible, type Sentence } from "./text.ts";
import { distance, duration, moment, since, type Clock } from "./time.ts";
import { failing, markOf, reasonMark, triggerText, waitMark, type Mark } from "./words.ts";

/** Below the small line: the running one with its times, else the most telling reason, else idle. */
export interface Telling {
  readonly mark: Mark | null;
  readonly text: Sentence;
}

export function tellingOf(overview: Overview, clock: Clock): Telling {
  const { project, usual } = overview;
  const [running] = project.running;
  const wait = project.waiting.length;
  if (running !== undefined) {
    const run = runOf(running, usualFor(usual, running), clock.now);
    const stage = run.groups.find(({ state }) => state === "now")?.name ?? "start";
    const doing = { start: "starts", build: "builds", deploy: "goes live", health: "is checked" };
    if (running.status === "reconciling") {
      return {
        mark: markOf("reconciling"),
        text: [`#${running.number}: `, ...reasonOf(running, clock)],
      };
    }
    const about = run.usual === null ? "" : ` of about ${duration(run.usual)}`;
    return {
      mark: markOf(running.status),
      text: [
        `#${running.number} ${doing[stage]}, `,
        { since: run.since, text: duration(run.elapsed) },
        `${about}.${wait === 0 ? "" : ` ${wait} wait${wait === 1 ? "s" : ""}.`}`,
      ],
    };
  }
  const [first] = inLine(project.waiting);
  if (first !== undefined) {
    const why = reasonOf(first, clock);
    const [head, ...rest] = why;
    const lower = typeof head === "string" ? head.replace(/^Waits/, "waits") : head;
    return {
      mark: first.waiting === null ? reasonMark(first) : waitMark(first.waiting.for),
      text: [`#${first.number} `, lower ?? "starts.", ...rest],
    };
  }
  const failed = failedLast(overview);
  if (failed !== null) {
    const stays = project.live === null ? "nothing is live" : `#${project.live.number} stays live`;
    return { mark: null, text: [`Idle. #${failed.number} failed, ${stays}.`] };
  }
  return project.live === null && project.externals.length === 0
    ? { mark: null, text: ["Nothing deployed yet."] }
    : { mark: null, text: ["Idle. The newest change is live."] };
}

/** What only a person can mend, the worst first. */
export interface Need {
  readonly mark: Mark;
  readonly head: Sentence;
  readonly more: Sentence;
}

export function needsOf(overview: Overview, clock: Clock): Need[] {
  const { project, failing: subscribers } = overview;
  const needs: Need[] = [];
  const failed = failedLast(overview);
  if (failed !== null) {
    const at = Date.parse(failed.ended_at ?? failed.created_at);
    const what = visible(failed.reason ?? "").split(":")[0] ?? "";
    const why =
      what === ""
        ? " failed"
        : ` ${what.slice(0, 1).toLowerCase()}${what.slice(1).replace(/\.$/, "")}`;
    needs.push({
      mark: { ...markOf(failed.status), tone: "bad" },
      head: [`#${failed.number}${why}`],
      more: [
        { at, text: distance(at, clock) ?? moment(at, clock) },
        ": ",
        { foreign: firstLine(failed.commit_message) ?? "No message" },
      ],
    });
  }
  const lock = lockOf(overview);
  if (lock !== null) {
    needs.push({
      mark: waitMark("lock"),
      head: ["Locked by ", { foreign: person(lock.holder) }],
      more: [{ foreign: visible(lock.reason) }],
    });
  }
  for (const deploy of project.waiting.filter(({ waiting }) => waiting?.for === "approval")) {
    needs.push({
      mark: waitMark("approval"),
      head: [`#${deploy.number} waits for approval`],
      more: [{ foreign: firstLine(deploy.commit_message) ?? triggerText(deploy.trigger) }],
    });
  }
  for (const { url, waiting, failing_since: from, state } of subscribers) {
    const host = URL.canParse(url) ? new URL(url).host : "A subscriber";
    needs.push({
      mark: failing(true),
      head: [{ foreign: host }, state === "disabled" ? " is switched off" : " is failing"],
      more: [
        `${waiting} ${waiting === 1 ? "event" : "events"} undelivered`,
        ...(from === null ? [] : [`, for ${since(Date.parse(from), clock)}`]),
      ],
    });
  }
  return needs;
}
