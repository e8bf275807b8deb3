import * as z from "zod";

import { Message, Sha } from "../reading.ts";

const Paths = z.array(z.string()).nullish();
/** Commits as GitHub, GitLab and Gitea list them. */
export const Commits = z
  .array(
    z.object({
      id: Sha,
      message: Message.nullish(),
      added: Paths,
      modified: Paths,
      removed: Paths,
    }),
  )
  .nullish();
type Commits = z.infer<typeof Commits>;

/** More than these are not matched one by one. */
const MAX_PATHS = 1_000;

/**
 * The files that a push changed. `null` where that is not known: a list that is empty (a new branch), cut short (hosts
 * list at most so many commits), without files, or longer than anybody needs.
 *
 * @param most how many commits a list has at most that is surely whole
 */
export function changedPaths(commits: Commits, most: number): string[] | null {
  if (commits == null || commits.length === 0 || commits.length > most) {
    return null;
  }
  const paths = new Set<string>();
  for (const { added, modified, removed } of commits) {
    if (added == null || modified == null || removed == null) {
      return null;
    }
    for (const path of [...added, ...modified, ...removed]) {
      paths.add(path);
    }
  }
  return paths.size === 0 || paths.size > MAX_PATHS ? null : [...paths];
}
