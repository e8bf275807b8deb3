import type { Seeded } from "./seed.ts";

/** A page as somebody sees it who is signed in, or nobody. */
export interface Shown {
  /** Also the name of its picture. */
  readonly name: string;
  readonly path: string;
  readonly signedOut?: true;
  /** Pressed first, where the page is what comes of a form. */
  readonly press?: string;
}

/** One of each kind of form. */
const SOURCES = ["github", "contentful", "hmac", "cloudflare"];

/** Every page, and those with much on them in all the states that look different. */
export function everyPage({
  failed,
  hook,
  held,
  refused,
  archived,
  failing,
  story,
}: Seeded): Shown[] {
  const storefront = (path: string): string => `/projects/storefront${path}`;
  return [
    { name: "sign-in", path: "/sign-in", signedOut: true },
    { name: "overview", path: "/" },
    { name: "register", path: "/register" },
    { name: "audit", path: "/audit" },
    { name: "tokens", path: "/tokens" },
    { name: "settings", path: "/settings" },
    { name: "docs", path: "/docs" },
    { name: "not-found", path: "/projects/nothing-here" },
    { name: "project", path: storefront("") },
    ...[
      "archive",
      "checkout",
      "docs",
      "evenings",
      "locked",
      "late",
      "newsletter",
      story.project,
    ].map((name) => ({ name: `project-${name.slice(0, 12)}`, path: `/projects/${name}` })),
    { name: "project-filtered", path: storefront("?q=nothing+like+this") },
    { name: "project-archive-older", path: archived },
    { name: "deploy-running", path: story.running },
    { name: "deploy-failed", path: failed },
    { name: "deploy-failed-log", path: `${failed}/log` },
    { name: "deploy-superseded", path: story.superseded },
    { name: "deploy-held", path: held },
    { name: "deploy-hostile", path: story.hostile },
    { name: "confirm-cancel", path: `${story.running}/cancel` },
    { name: "confirm-approve", path: `${refused}/approve` },
    { name: "confirm-reject", path: `${refused}/reject` },
    { name: "confirm-release", path: `${held}/release` },
    { name: "confirm-rollback", path: `${story.older}/rollback` },
    { name: "confirm-promote", path: `${story.older}/promote` },
    { name: "rollback", path: storefront("/rollback") },
    { name: "upload", path: "/projects/site/upload" },
    { name: "hooks", path: storefront("/hooks") },
    { name: "hook", path: hook },
    { name: "hook-new", path: storefront("/hooks/new") },
    ...SOURCES.map((source) => ({
      name: `hook-new-${source}`,
      path: storefront(`/hooks/new?source=${source}`),
    })),
    {
      name: "hook-made",
      path: "/projects/newsletter/hooks/new?source=github",
      press: "Make the hook",
    },
    { name: "subscribers", path: storefront("/subscribers") },
    { name: "subscriber-failing", path: failing },
    { name: "subscriber-new", path: storefront("/subscribers/new") },
    ...["webhook", "slack", "github"].map((kind) => ({
      name: `subscriber-new-${kind}`,
      path: storefront(`/subscribers/new?kind=${kind}`),
    })),
    { name: "schedules", path: storefront("/schedules") },
    { name: "schedules-none", path: "/projects/newsletter/schedules" },
    { name: "windows", path: "/projects/evenings/windows?explain=&branch=main" },
    { name: "windows-none", path: "/projects/newsletter/windows" },
    { name: "lock", path: "/projects/locked/lock" },
    { name: "policy", path: storefront("/policy") },
    { name: "numbers", path: "/projects/archive/numbers" },
    { name: "numbers-none", path: "/projects/newsletter/numbers" },
    { name: "events", path: storefront("/events") },
    { name: "project-tokens", path: storefront("/tokens") },
  ];
}
