/** A build that asks for one of the account's places. */
export interface AskedBuild {
  readonly deploy_id: string;
  /** The key of its project. */
  readonly project: string;
  /** As in the line of its project: 1 production, 2 preview, 3 what a schedule asked for. */
  readonly class: number;
  /** Since when it waits in its project. */
  readonly since: number;
}

const PRODUCTION = 1;

/**
 * Whether `asked` may build now, where at most `limit` may at once. Places are given by class, then to who came first; with
 * two or more, the last one is kept for production, so that no project's previews block another's hotfix.
 */
export function mayBuild(
  limit: number,
  running: readonly Pick<AskedBuild, "deploy_id" | "class">[],
  waiting: readonly AskedBuild[],
  asked: AskedBuild,
): boolean {
  if (running.some(({ deploy_id }) => deploy_id === asked.deploy_id)) {
    return true;
  }
  let production = running.filter((build) => build.class <= PRODUCTION).length;
  let others = running.length - production;
  const inLine = [...waiting.filter(({ deploy_id }) => deploy_id !== asked.deploy_id), asked].sort(
    (a, b) => a.class - b.class || a.since - b.since || (a.deploy_id < b.deploy_id ? -1 : 1),
  );
  for (const build of inLine) {
    const urgent = build.class <= PRODUCTION;
    const admitted = production + others < limit && (urgent || others < Math.max(1, limit - 1));
    if (build === asked) {
      return admitted;
    }
    production += Number(admitted && urgent);
    others += Number(admitted && !urgent);
  }
  return false;
}
