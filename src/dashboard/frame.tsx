import type { Context } from "hono";
import type { Child, FC } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";

import type { AppEnv } from "../api/context.ts";
import { VERSION } from "../version.ts";
import { assetUrl, type AssetName } from "./assets.ts";
import { toTheSecond } from "./model/time.ts";
import { person } from "./model/text.ts";
import { Icon, Sprite } from "./parts/mark.tsx";
import type { Reader, Visitor } from "./visitor.ts";

export interface PageProps {
  readonly title: string;
  readonly reader: Reader;
  readonly visitor?: Visitor | null;
  readonly at?: (typeof NAV)[number][0];
  readonly icon?: "clear" | "stop" | "held" | "failed";
  /** Where the script listens, to keep the page up to date. */
  readonly live?: string;
  /** Where it is read again, when it came of a form. */
  readonly address?: string;
  /** What this page alone loads. */
  readonly style?: AssetName;
  readonly script?: AssetName;
  /** More for the footer. */
  readonly foot?: readonly string[];
  readonly children?: Child;
}

const NAV = [
  ["projects", "/", "Projects"],
  ["audit", "/audit", "Audit log"],
  ["accounts", "/accounts", "Accounts"],
  ["access", "/access", "Access"],
  ["tokens", "/tokens", "Tokens"],
  ["settings", "/settings", "Settings"],
] as const;

const FOR_MANAGERS: readonly string[] = ["access", "tokens"];

const Page: FC<PageProps> = ({
  title,
  reader,
  visitor = null,
  at,
  icon = "clear",
  live,
  address = "",
  style,
  script,
  foot = [],
  children,
}) => (
  <html
    lang="en"
    data-now={reader.clock.now}
    data-zone={reader.clock.zone}
    {...(reader.theme === null ? {} : { "data-theme": reader.theme })}
  >
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content={reader.theme ?? "light dark"} />
      <title>{title}</title>
      <link rel="icon" type="image/svg+xml" href={assetUrl(`${icon}.svg` satisfies AssetName)} />
      <link rel="stylesheet" href={assetUrl("style.css")} />
      {style !== undefined && <link rel="stylesheet" href={assetUrl(style)} />}
      <script src={assetUrl("client.js")} defer></script>
      {script !== undefined && <script src={assetUrl(script)} defer></script>}
    </head>
    <body>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Sprite />
      <header class="top">
        <div class="wide">
          <a class="brand" href="/">
            <Icon name="signal" />
            Signalbox
          </a>
          {visitor !== null && <Navigation at={at} visitor={visitor} address={address} />}
        </div>
      </header>
      <main id="main" tabindex={-1} data-live={live}>
        {children}
      </main>
      {live !== undefined && <p class="unseen" aria-live="polite" data-spoken=""></p>}
      <footer class="foot">
        <div class="wide">
          {foot.map((text) => (
            <span>{text}</span>
          ))}
          <span>
            Times in {reader.clock.zone}
            {!reader.zoned && ", until your browser says its own zone"}
          </span>
          <a href="/docs">API reference</a>
          <span>Signalbox {VERSION}</span>
        </div>
      </footer>
    </body>
  </html>
);

const Navigation: FC<{ at: PageProps["at"]; visitor: Visitor; address: string }> = ({
  at,
  visitor,
  address,
}) => {
  const links = NAV.filter(
    ([name]) =>
      name === "projects" ||
      name === "settings" ||
      (visitor.only === null && (visitor.may("manage") || !FOR_MANAGERS.includes(name))),
  ).map(([name, href, text]) => (
    <a href={href} {...(name === at ? { "aria-current": "page" as const } : {})}>
      {text}
    </a>
  ));
  const { now } = visitor.clock;
  return (
    <>
      <nav class="nav" aria-label="Signalbox">
        {links}
      </nav>
      <span class="fresh" data-fresh="">
        <span class="as-of">As of </span>
        <span class="at">
          <time datetime={new Date(now).toISOString()}>{toTheSecond(now, visitor.clock)}</time>
          .{" "}
        </span>
        <a href={address}>Refresh</a>
      </span>
      <a class="who" href="/settings">
        {person(visitor.token)}
      </a>
      <details class="menu">
        <summary>Menu</summary>
        <nav aria-label="Signalbox, menu">{links}</nav>
      </details>
    </>
  );
};

/** The page's head: where it is, what it is called, what can be done. */
export const Head: FC<{
  crumbs?: readonly (readonly [string, string])[];
  title: Child;
  beside?: Child;
  under?: Child;
  actions?: Child;
  tabs?: Child;
}> = ({ crumbs = [], title, beside, under, actions, tabs }) => (
  <div class={tabs === undefined ? "head" : "head tabbed"}>
    <div class="wide">
      {crumbs.length > 0 && (
        <p class="crumbs">
          {crumbs.map(([href, text], n) => (
            <>
              {n > 0 && " / "}
              <a href={href}>{text}</a>
            </>
          ))}
        </p>
      )}
      <div class="titled">
        <div>
          <div class="names">
            <h1>{title}</h1>
            {beside}
          </div>
          {under !== undefined && <p class="under">{under}</p>}
        </div>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </div>
      {tabs}
    </div>
  </div>
);

/** What came of the form that led here. It has focus, so that it is heard first. */
export const Told: FC<{ visitor: Visitor }> = ({ visitor: { told } }) =>
  told === null ? null : (
    <div class="wide" data-kept="">
      <p class="told" role="status" tabindex={-1} autofocus>
        <Icon name={told.ok ? "done" : "failed"} tone={told.ok ? "ok" : "bad"} />
        <span>{told.text}</span>
      </p>
    </div>
  );

const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

export function show(
  c: Context<AppEnv>,
  props: PageProps,
  status: ContentfulStatusCode = 200,
): Response {
  c.set("headers", {
    "content-security-policy": POLICY,
    // Forms of these pages are to say where they come from, and nobody else is.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
  });
  const page: { toString(): string } = <Page {...props} />;
  return c.html(`<!doctype html>${page.toString()}`, status);
}
