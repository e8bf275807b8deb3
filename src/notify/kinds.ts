import * as z from "zod";

import { chatKind } from "./chat-kind.ts";
import { gitKind } from "./git-kind.ts";
import type { Kind } from "./kind.ts";
import { webhook } from "./webhook.ts";

export const SubscriberKind = z.enum([
  "webhook",
  "slack",
  "discord",
  "teams",
  "github",
  "gitlab",
  "bitbucket",
  "gitea",
]);
export type SubscriberKind = z.infer<typeof SubscriberKind>;

export const KINDS: Readonly<Record<SubscriberKind, Kind>> = {
  webhook,
  slack: chatKind("slack"),
  discord: chatKind("discord"),
  teams: chatKind("teams"),
  github: gitKind("github"),
  gitlab: gitKind("gitlab"),
  bitbucket: gitKind("bitbucket"),
  gitea: gitKind("gitea"),
};
