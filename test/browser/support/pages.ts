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

const storefront = (path: string): string => `/projects/storefront${path}`;

/** Every page there is, in the state in which most is on it. */
export function everyPage({ failed, hook, held, failing, story }: Seeded): Shown[] {
  return [
    { name: "sign-in", path: "/sign-in", signedOut: true },
    { name: "overview", path: "/" },
    { name: "register", path: "/register" },
    { name: "accounts", path: "/accounts" },
    { name: "access", path: "/access" },
    { name: "audit", path: "/audit?kind=project" },
    { name: "tokens", path: "/tokens" },
    { name: "settings", path: "/settings" },
    { name: "docs", path: "/docs" },
    { name: "not-found", path: "/projects/nothing-here" },
    { name: "project", path: storefront("") },
    { name: "project-archive", path: "/projects/archive" },
    { name: "project-checkout", path: "/projects/checkout" },
    { name: "project-long", path: `/projects/${story.project}` },
    { name: "deploy-running", path: story.running },
    { name: "deploy-failed", path: failed },
    { name: "deploy-failed-log", path: `${failed}/log` },
    { name: "deploy-held", path: held },
    { name: "confirm-cancel", path: `${story.running}/cancel` },
    { name: "confirm-rollback", path: `${story.older}/rollback` },
    { name: "rollback", path: storefront("/rollback") },
    { name: "upload", path: "/projects/site/upload" },
    { name: "hooks", path: storefront("/hooks") },
    { name: "hook", path: hook },
    { name: "hook-set-up", path: `${hook}/set-up` },
    { name: "hook-remove", path: `${hook}/remove` },
    { name: "hook-new", path: storefront("/hooks/new") },
    { name: "hook-new-github", path: storefront("/hooks/new?source=github") },
    {
      name: "hook-made",
      path: "/projects/newsletter/hooks/new?source=github",
      press: "Make the hook",
    },
    { name: "subscribers", path: storefront("/subscribers") },
    { name: "subscriber-failing", path: failing },
    { name: "subscriber-new", path: storefront("/subscribers/new") },
    { name: "subscriber-new-webhook", path: storefront("/subscribers/new?kind=webhook") },
    { name: "schedules", path: storefront("/schedules") },
    { name: "windows", path: "/projects/evenings/windows?explain=&branch=main" },
    { name: "lock", path: "/projects/locked/lock" },
    { name: "policy", path: storefront("/policy") },
    { name: "numbers", path: "/projects/archive/numbers" },
    { name: "events", path: storefront("/events") },
    { name: "badge", path: storefront("/badge") },
    { name: "project-tokens", path: storefront("/tokens") },
  ];
}

/** The same pages in the states that look different. */
export function inOtherStates({ held, refused, archived, failing, story }: Seeded): Shown[] {
  return [
    ...["docs", "evenings", "locked", "late", "newsletter"].map((name) => ({
      name: `project-${name}`,
      path: `/projects/${name}`,
    })),
    { name: "project-filtered", path: storefront("?q=nothing+like+this") },
    { name: "project-archive-older", path: archived },
    { name: "deploy-superseded", path: story.superseded },
    { name: "deploy-hostile", path: story.hostile },
    { name: "confirm-approve", path: `${refused}/approve` },
    { name: "confirm-reject", path: `${refused}/reject` },
    { name: "confirm-release", path: `${held}/release` },
    { name: "confirm-promote", path: `${story.older}/promote` },
    ...["contentful", "hmac", "cloudflare"].map((source) => ({
      name: `hook-new-${source}`,
      path: storefront(`/hooks/new?source=${source}`),
    })),
    ...["slack", "github"].map((kind) => ({
      name: `subscriber-new-${kind}`,
      path: storefront(`/subscribers/new?kind=${kind}`),
    })),
    { name: "badge-none", path: "/projects/newsletter/badge" },
    { name: "badge-renew", path: storefront("/badge/renew") },
    { name: "subscriber-remove", path: `${failing}/remove` },
    { name: "schedules-none", path: "/projects/newsletter/schedules" },
    { name: "windows-none", path: "/projects/newsletter/windows" },
    { name: "numbers-none", path: "/projects/newsletter/numbers" },
  ];
}
