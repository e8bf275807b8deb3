import type { Result } from "../result.ts";
import { err, ok } from "../result.ts";

export interface UrlProblem {
  readonly code:
    | "url_invalid"
    | "url_not_https"
    | "url_has_credentials"
    | "url_port"
    | "url_ip_address"
    | "url_private_host"
    | "url_own_host";
  readonly message: string;
}

export interface UrlRules {
  /** The hosts this instance answers on (`host` or `host:port`): telling ourselves would loop. */
  readonly ownHosts: readonly string[];
  /** On a developer's machine: loopback hosts are fine, on any port, over plain HTTP. */
  readonly local: boolean;
}

const MAX_LENGTH = 2048;
/** Names that mean something only inside a network, and what they end in. */
const PRIVATE_SUFFIXES = [
  "localhost",
  "local",
  "localdomain",
  "internal",
  "intranet",
  "lan",
  "corp",
  "home",
  "home.arpa",
];

/**
 * Whether events may be sent to `text`. Refuses what can reach something other than a public web server. A public name
 * that resolves to a private address can't be told from here; nothing in a Worker can look first and then hold on to it.
 */
export function checkSubscriberUrl(text: string, rules: UrlRules): Result<URL, UrlProblem> {
  const url = text.length <= MAX_LENGTH ? URL.parse(text) : null;
  if (url === null) {
    return refuse("url_invalid", "This is not a URL. Give an absolute https:// URL.");
  }
  // The parser has lower-cased the host and written every spelling of an IPv4 address as four decimals.
  const host = url.hostname.replace(/\.+$/, "");
  const loopback = rules.local && isLoopback(host);
  if (url.protocol !== "https:" && !(loopback && url.protocol === "http:")) {
    return refuse("url_not_https", "Events are only sent over https. Give an https:// URL.");
  }
  if (url.username !== "" || url.password !== "") {
    return refuse(
      "url_has_credentials",
      "A URL may not hold a user name or password. Deliveries are signed; check the signature instead.",
    );
  }
  if (url.port !== "" && !rules.local) {
    return refuse("url_port", "Events are only sent to port 443. Leave the port out.");
  }
  if (rules.ownHosts.some((own) => isSameHost(own, host, url.port))) {
    return refuse(
      "url_own_host",
      "This is Signalbox's own address; events sent there would go round in circles. Give the receiver's URL.",
    );
  }
  if (loopback) {
    return ok(url);
  }
  if (host.startsWith("[") || /^\d+(\.\d+){3}$/.test(host)) {
    return refuse("url_ip_address", "Events are not sent to IP addresses. Give a host name.");
  }
  const isPrivate = PRIVATE_SUFFIXES.some((name) => host === name || host.endsWith(`.${name}`));
  if (isPrivate || !host.includes(".") || url.hostname.includes("..")) {
    return refuse(
      "url_private_host",
      "This host name is not a public one. Give a URL that can be reached from the internet.",
    );
  }
  url.hostname = host;
  return ok(url);
}

function refuse(code: UrlProblem["code"], message: string): Result<never, UrlProblem> {
  return err({ code, message });
}

function isLoopback(host: string): boolean {
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "[::1]" ||
    /^127(\.\d+){3}$/.test(host)
  );
}

/** Every loopback name is the same machine, where another server differs in its port only. */
function isSameHost(own: string, host: string, port: string): boolean {
  const [, ownHost = "", ownPort = ""] = /^(.*?)\.?(?::(\d+))?$/.exec(own.toLowerCase()) ?? [];
  if (isLoopback(host) && isLoopback(ownHost)) {
    return ownPort === port;
  }
  // Versions and aliases of a Worker answer at names that end in its own.
  const isPreview = ownHost.endsWith(".workers.dev") && host.endsWith(`-${ownHost}`);
  return ownHost === host || isPreview;
}
