import type { Deploy } from "../../project/shapes.ts";
import { HEALTH, type Usual } from "../../project/usual.ts";

/** The stages as the drawings group them: what comes before the build is the start. */
export type GroupName = "start" | "build" | "deploy" | "health";

export interface Group {
  readonly name: GroupName;
  readonly state: "done" | "now" | "next";
  /** Milliseconds from the start of the deploy. */
  readonly from: number;
  readonly to: number | null;
  readonly usual: number | null;
}

/** A deploy on the line: where it is against what is usual. */
export interface Run {
  readonly since: number;
  readonly elapsed: number;
  readonly usual: number | null;
  readonly groups: readonly Group[];
}

const time = (text: string | null | undefined): number | null => {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : at;
};

export function usualFor(
  usual: readonly Usual[],
  deploy: Pick<Deploy, "kind" | "target">,
): Usual | null {
  return usual.find(({ kind, target }) => kind === deploy.kind && target === deploy.target) ?? null;
}

export function runOf(deploy: Deploy, usual: Usual | null, now: number): Run {
  const since = time(deploy.started_at) ?? time(deploy.created_at) ?? now;
  const end = time(deploy.ended_at) ?? now;
  return {
    since,
    elapsed: Math.max(0, end - since),
    usual: usual?.total_ms ?? null,
    groups: groupsOf(deploy, usual, since, end),
  };
}

function groupsOf(deploy: Deploy, usual: Usual | null, since: number, end: number): Group[] {
  const stage = (name: string): Deploy["stages"][number] | null =>
    deploy.stages.find((each) => each.name === name && each.started_on !== null) ?? null;
  const usually = (name: string): number | null =>
    usual?.stages.find((each) => each.name === name)?.ms ?? null;
  const expected = {
    build: usually("build"),
    deploy: usually("deploy"),
    health: usually(HEALTH),
  };
  const rest = (expected.build ?? 0) + (expected.deploy ?? 0) + (expected.health ?? 0);
  const live = time(stage("deploy")?.ended_on);
  const starts: [GroupName, number | null, number | null][] = [
    ["start", since, usual === null ? null : Math.max(0, usual.total_ms - rest)],
    ["build", time(stage("build")?.started_on), expected.build],
    ["deploy", time(stage("deploy")?.started_on), expected.deploy],
    [
      "health",
      deploy.status === "verifying" || deploy.health !== null ? live : null,
      expected.health,
    ],
  ];
  const shown = starts.filter(
    ([name, from, ms]) =>
      from !== null || (ms !== null && ms > 0) || (name !== "health" && hasStage(deploy, name)),
  );
  return shown.map(([name, from, ms], n): Group => {
    const next = shown.slice(n + 1).find(([, at]) => at !== null)?.[1] ?? null;
    const ended = next ?? (deploy.ended_at === null ? ownEnd(deploy, name) : end);
    const at = from === null ? 0 : Math.max(0, from - since);
    return {
      name,
      state: from === null ? "next" : ended === null ? "now" : "done",
      from: at,
      to: from === null || ended === null ? null : Math.max(at, ended - since),
      usual: ms,
    };
  });
}

/** Cloudflare has ended it although nothing has begun after it yet. */
function ownEnd(deploy: Deploy, name: GroupName): number | null {
  return name === "start" || name === "health"
    ? null
    : time(deploy.stages.find((each) => each.name === name)?.ended_on);
}

function hasStage(deploy: Deploy, name: GroupName): boolean {
  const builds = deploy.kind === "build";
  return name === "start" || name === "deploy" ? true : builds;
}

/** What the whole block stands for: it grows when a run takes longer than usual. */
export function scaleOf({ elapsed, usual }: Run): number {
  return usual === null
    ? Math.max(elapsed, 1)
    : elapsed > usual
      ? elapsed * 1.1
      : Math.max(usual, 1);
}

/** Where stages have ended, and where those to come are expected to, in milliseconds from the start. */
export function cutsOf({ groups, elapsed }: Run): { passed: number[]; expected: number[] } {
  const passed = groups
    .filter(({ state, to }, n) => state === "done" && to !== null && n < groups.length - 1)
    .map(({ to }) => to ?? 0);
  const expected: number[] = [];
  let at = elapsed;
  for (const [n, { state, from, usual }] of groups.entries()) {
    if (state === "done" || usual === null) {
      continue;
    }
    at = state === "now" ? Math.max(elapsed, from + usual) : at + usual;
    if (n < groups.length - 1) {
      expected.push(at);
    }
  }
  return { passed, expected };
}
