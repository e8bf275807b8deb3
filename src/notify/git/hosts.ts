import { bitbucket } from "./bitbucket.ts";
import { gitea } from "./gitea.ts";
import { github } from "./github.ts";
import { gitlab } from "./gitlab.ts";
import type { GitHost } from "./status.ts";

export type GitKind = "github" | "gitlab" | "bitbucket" | "gitea";

/** By kind of subscriber. What `settings` has parsed is what the same host's `next` and `headers` take. */
export const GIT_HOSTS: Record<GitKind, GitHost<unknown>> = { github, gitlab, bitbucket, gitea };
