import { signRequest } from "@contentful/node-apps-toolkit/requests";
import { generateWebhookSignature } from "@hygraph/utils";
import { signatureHelper } from "@kontent-ai/webhook-helper";
import { signWebhookPayload } from "@notionhq/client";
import { encodeSignatureHeader } from "@sanity/webhook";

import { macOf, knowsUrl, sendsBasic, sendsHeader, textOf, type Sender } from "./sender.ts";

const OWN_HEADER = "x-signalbox-secret";

const sanity: Sender = {
  source: "sanity",
  by: "@sanity/webhook",
  signsBytes: false,
  sign: async ({ secret, headers, body, now }) => {
    const text = textOf(body);
    const signature =
      text === ""
        ? `t=${now},v1=${macOf([`${now}.`], secret, { encoding: "base64url" })}`
        : await encodeSignatureHeader(text, now, secret);
    return { headers: { ...headers, "sanity-webhook-signature": signature }, body };
  },
};

const contentful: Sender = {
  source: "contentful",
  by: "@contentful/node-apps-toolkit",
  signsBytes: false,
  sign: async ({ secret, url, headers = {}, body, now }) => {
    const { pathname, search } = new URL(url);
    const own = Object.entries(headers).filter(
      ([name]) => name === "content-type" || name.startsWith("x-contentful-"),
    );
    const proof = signRequest(
      secret,
      {
        method: "POST",
        path: pathname + search,
        headers: Object.fromEntries(own),
        body: textOf(body),
      },
      now,
    );
    return { headers: { ...headers, ...proof }, body };
  },
};

const storyblok: Sender = {
  source: "storyblok",
  by: "node:crypto",
  signsBytes: true,
  sign: async ({ secret, headers, body }) => ({
    headers: { ...headers, "webhook-signature": macOf([body], secret, { hash: "sha1" }) },
    body,
  }),
};

const ghost: Sender = {
  source: "ghost",
  by: "node:crypto",
  signsBytes: true,
  sign: async ({ secret, headers, body, now }) => ({
    headers: {
      ...headers,
      "x-ghost-signature": `sha256=${macOf([body, String(now)], secret, {})}, t=${now}`,
    },
    body,
  }),
};

function hygraphSignature(secret: string, rawPayload: string, now: number): string {
  const clock = Date.now;
  // The package takes its time from nowhere else, and at once.
  Date.now = () => now;
  try {
    return generateWebhookSignature({ secret, rawPayload, environmentName: "master" });
  } finally {
    Date.now = clock;
  }
}

/** The package leaves an empty body out of what it signs. */
function ofNothing(secret: string, now: number): string {
  const content = `{"Body":"","EnvironmentName":"master","TimeStamp":${now}}`;
  return `sign=${macOf([content], secret, { encoding: "base64" })}, env=master, t=${now}`;
}

const hygraph: Sender = {
  source: "hygraph",
  by: "@hygraph/utils",
  signsBytes: false,
  sign: async ({ secret, headers, body, now }) => {
    const text = textOf(body);
    const signature = text === "" ? ofNothing(secret, now) : hygraphSignature(secret, text, now);
    return { headers: { ...headers, "gcms-signature": signature }, body };
  },
};

const kontent: Sender = {
  source: "kontent",
  by: "@kontent-ai/webhook-helper",
  signsBytes: false,
  secretToGive: btoa("what Kontent.ai makes: 32 bytes."),
  sign: async ({ secret, headers, body }) => ({
    headers: {
      ...headers,
      "x-kontent-ai-signature": signatureHelper.getHashFromString(textOf(body), secret),
    },
    body,
  }),
};

const webflow: Sender = {
  source: "webflow",
  auth: { mode: "signature" },
  by: "node:crypto",
  signsBytes: true,
  secretToGive: "webflow-client-secret-".padEnd(64, "0123456789abcdef"),
  sign: async ({ secret, headers, body, now }) => ({
    headers: {
      ...headers,
      "x-webflow-timestamp": String(now),
      "x-webflow-signature": macOf([`${now}:`, body], secret, {}),
    },
    body,
  }),
};

const shopify: Sender = {
  source: "shopify",
  by: "node:crypto",
  signsBytes: true,
  secretToGive: "shopify-client-secret-".padEnd(64, "0123456789abcdef"),
  sign: async ({ secret, headers, body }) => ({
    headers: {
      ...headers,
      "x-shopify-hmac-sha256": macOf([body], secret, { encoding: "base64" }),
    },
    body,
  }),
};

const woocommerce: Sender = {
  source: "woocommerce",
  by: "node:crypto",
  signsBytes: true,
  sign: async ({ secret, headers, body }) => ({
    headers: {
      ...headers,
      "x-wc-webhook-signature": macOf([body], secret, { encoding: "base64" }),
    },
    body,
  }),
};

const notion: Sender = {
  source: "notion",
  by: "@notionhq/client",
  signsBytes: true,
  secretToGive: "secret_notion-verification-token-of-a-test",
  sign: async ({ secret, headers, body }) => ({
    headers: {
      ...headers,
      "x-notion-signature": await signWebhookPayload({ body, verificationToken: secret }),
    },
    body,
  }),
  greet: async (request) =>
    notion.sign({ ...request, body: JSON.stringify({ verification_token: request.secret }) }),
};

const prismic: Sender = {
  source: "prismic",
  by: "nobody: the secret is sent",
  signsBytes: false,
  sign: async ({ secret, headers, body }) => ({
    headers: { ...headers },
    body: withSecret(textOf(body), secret),
  }),
};

/** What is no JSON object has no place for a secret. */
function withSecret(text: string, secret: string): string {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? JSON.stringify({ ...json, secret })
      : text;
  } catch {
    return text;
  }
}

const bearer = (source: Sender["source"]): Sender =>
  sendsHeader({ source, auth: { mode: "bearer" } }, "authorization", "Bearer ");

/** A source with several modes has a name for each of them. */
export const cmsSenders = {
  sanity,
  contentful,
  storyblok,
  ghost,
  hygraph,
  kontent,
  "webflow/signature": webflow,
  "webflow/url": knowsUrl({ source: "webflow", auth: { mode: "url" } }),
  shopify,
  woocommerce,
  notion,
  prismic,
  "datocms/basic": sendsBasic(
    { source: "datocms", auth: { mode: "basic", username: "dato cms" } },
    "dato cms",
  ),
  "datocms/header": sendsHeader({ source: "datocms", auth: { mode: "header" } }, OWN_HEADER),
  "strapi/bearer": bearer("strapi"),
  "strapi/header": sendsHeader(
    { source: "strapi", auth: { mode: "header", header: "X-Strapi-Secret" } },
    "x-strapi-secret",
  ),
  "directus/bearer": bearer("directus"),
  "directus/header": sendsHeader(
    { source: "directus", auth: { mode: "header", prefix: "Token " } },
    OWN_HEADER,
    "Token ",
  ),
  tinacloud: sendsHeader({ source: "tinacloud" }, OWN_HEADER),
  umbraco: sendsHeader({ source: "umbraco" }, OWN_HEADER),
} as const satisfies Record<string, Sender>;
