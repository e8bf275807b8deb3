import type { Sql } from "../sql.ts";
import { mayBuild, type AskedBuild } from "./builds.ts";

type Running = AskedBuild & { granted_at: number };

export interface Builds {
  /** null: as many as Cloudflare lets. */
  readonly max_builds: number | null;
  readonly running: readonly Running[];
  /** Those that asked within the last seconds, as every one that waits does. */
  readonly waiting: readonly AskedBuild[];
}

/** How soon a build that found no place asks again. */
export const ASK_AGAIN_MS = 5_000;
/** Who has not asked for so long does not wait any more. */
const WAITS_MS = 3 * ASK_AGAIN_MS;
/** A place that was given is not asked about before its deploy can have been claimed. */
const SETTLED_MS = 5_000;

/** The places among an account's builds, where their number is limited. */
export class Places {
  readonly #sql: Sql;
  readonly #check: (build: AskedBuild) => void;
  /** Each that waits asks again within seconds, so that this need not be kept. */
  readonly #waiting = new Map<string, { readonly build: AskedBuild; readonly at: number }>();

  /** `check` is to find out whether a build still has its place, and to {@link free} that if not. */
  constructor(sql: Sql, check: (build: AskedBuild) => void) {
    this.#sql = sql;
    this.#check = check;
  }

  /** Whether there is one for a build. If not, it waits, and those that may be over are checked. */
  has(build: AskedBuild, now: number): boolean {
    const limit = this.#limit();
    if (limit === null) {
      return true;
    }
    // Cloudflare counts by account, so those of the other ones are in nobody's way.
    const account = accountOfKey(build.project);
    const beside = ({ project }: AskedBuild): boolean => accountOfKey(project) === account;
    const running = this.#running().filter(beside);
    const admitted = mayBuild(limit, running, this.#stillWaiting(now).filter(beside), build);
    if (!admitted) {
      this.#waiting.set(build.deploy_id, { build, at: now });
      running.filter(({ granted_at: at }) => now - at >= SETTLED_MS).forEach(this.#check);
    }
    return admitted;
  }

  give(build: AskedBuild, now: number): void {
    if (this.#limit() !== null) {
      this.#sql.insert("builds", { ...build, granted_at: now }, true);
      this.#waiting.delete(build.deploy_id);
    }
  }

  free(deployId: string): void {
    this.#sql.run("DELETE FROM builds WHERE deploy_id = ?", deployId);
  }

  forget(project: string): void {
    this.#sql.run("DELETE FROM builds WHERE project = ?", project);
    for (const [id, { build }] of this.#waiting) {
      if (build.project === project) {
        this.#waiting.delete(id);
      }
    }
  }

  shown(now: number): Builds {
    return {
      max_builds: this.#limit(),
      running: this.#running(),
      waiting: this.#stillWaiting(now),
    };
  }

  limit(limit: number | null): void {
    this.#sql.run(
      "INSERT INTO settings (id, max_builds) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET max_builds = excluded.max_builds",
      limit,
    );
    if (limit === null) {
      this.#sql.run("DELETE FROM builds");
      this.#waiting.clear();
    }
  }

  #limit(): number | null {
    return (
      this.#sql.one<{ max_builds: number | null }>("SELECT max_builds FROM settings")?.max_builds ??
      null
    );
  }

  #running(): Running[] {
    return this.#sql.all<Running>("SELECT * FROM builds ORDER BY granted_at, deploy_id");
  }

  #stillWaiting(now: number): AskedBuild[] {
    for (const [id, { at }] of this.#waiting) {
      if (now - at >= WAITS_MS) {
        this.#waiting.delete(id);
      }
    }
    return [...this.#waiting.values()].map(({ build }) => build);
  }
}

function accountOfKey(project: string): string {
  return project.slice(0, project.indexOf("/"));
}
