import { at, jsonIn } from "../../delivery.ts";
import { signed } from "../modes.ts";
import type { Source } from "../source.ts";
import { testSend } from "../reading.ts";
import { cms, draft } from "./cms.ts";

/** CMSs that sign what they send, but not when. */

const storyblok = cms({
  name: "storyblok",
  title: "Storyblok",
  modes: {
    signature: signed(
      "webhook-signature",
      { hash: "SHA-1" },
      {
        paste: [
          ["Endpoint URL", "{url}"],
          ["Webhook secret", "{secret}"],
        ],
        steps: [
          "In Storyblok, open Settings, Webhooks, New webhook.",
          "Paste Endpoint URL and Webhook secret.",
          "Triggers: Story published, unpublished, deleted and moved, and whatever else shows on the site.",
          "Press Save.",
        ],
      },
    ),
  },
  events: ["**"],
  event: { pointer: "/action" },
});

const kontent = cms({
  name: "kontent",
  title: "Kontent.ai",
  modes: {
    signature: signed(
      "X-Kontent-ai-Signature",
      { encoding: "base64" },
      {
        secret: "given",
        paste: [["Webhook URL", "{url}"]],
        steps: [
          "In Kontent.ai, open Environment settings, Webhooks, Create new webhook.",
          "Paste Webhook URL. Triggers: Published data, and all events that show on the site.",
          "Press Save, open the webhook again and copy its Secret.",
          "Give the secret to this hook; until then deliveries are refused.",
        ],
      },
    ),
  },
  events: ["**"],
  event: kontentEvent,
  draft: (_, json) =>
    notifications(json).every((n) => at(n, "/message/delivery_slot") === "preview")
      ? draft("All of it is preview content")
      : null,
});

/** Of the first notification that is about published content. */
function kontentEvent(json: unknown): string | null {
  const all = notifications(json);
  const telling = all.find((n) => at(n, "/message/delivery_slot") !== "preview") ?? all[0];
  const [type, action] = [at(telling, "/message/object_type"), at(telling, "/message/action")];
  return typeof action === "string"
    ? `${typeof type === "string" ? `${type}.` : ""}${action}`.slice(0, 128).toWellFormed()
    : null;
}

function notifications(json: unknown): unknown[] {
  const list = at(json, "/notifications");
  return Array.isArray(list) ? list : [];
}

const shopify = cms({
  name: "shopify",
  title: "Shopify",
  modes: {
    signature: signed(
      "X-Shopify-Hmac-SHA256",
      { encoding: "base64" },
      {
        secret: "given",
        paste: [
          ["URL", "{url}"],
          ["Format", "JSON"],
        ],
        steps: [
          "In Shopify's admin, open Settings, Notifications, Webhooks, Create webhook.",
          "Event: what shows on the site, such as Product update. Format: JSON. Paste URL.",
          "Press Save. The page then shows the secret that webhooks are signed with; for an app it is the app's client secret.",
          "Give the secret to this hook; until then deliveries are refused.",
        ],
      },
    ),
  },
  events: ["**"],
  event: { header: "x-shopify-topic" },
  deliveryId: { header: "x-shopify-webhook-id" },
  actor: { header: "x-shopify-shop-domain" },
  draft: ({ headers }) => (headers.get("x-shopify-test") === "true" ? testSend("Shopify") : null),
});

const woocommerce = cms({
  name: "woocommerce",
  title: "WooCommerce",
  modes: {
    signature: signed(
      "X-WC-Webhook-Signature",
      { encoding: "base64" },
      {
        paste: [
          ["Delivery URL", "{url}"],
          ["Secret", "{secret}"],
        ],
        steps: [
          "In WordPress, open WooCommerce, Settings, Advanced, Webhooks, Add webhook.",
          "Status: Active. Topic: what shows on the site, such as Product updated.",
          "Paste Delivery URL and Secret, and press Save webhook. The ping that is sent then deploys nothing.",
        ],
      },
    ),
  },
  events: ["**"],
  event: { header: "x-wc-webhook-topic" },
  deliveryId: { header: "x-wc-webhook-delivery-id" },
  isPing: ({ body }) => body.length < 64 && /^webhook_id=\d+$/.test(new TextDecoder().decode(body)),
});

const GREETING = "verification";

const notion = cms({
  name: "notion",
  title: "Notion",
  modes: {
    signature: signed(
      "X-Notion-Signature",
      { prefix: "sha256=" },
      {
        secret: "handshake",
        paste: [["Webhook URL", "{url}"]],
        steps: [
          "At notion.so/profile/integrations, open the integration, then Webhooks, Create a subscription.",
          "Paste Webhook URL, choose the page and data source events, and press Create subscription.",
          "Notion sends this hook its verification token, once. Show it with POST on this hook's /secret.",
          "Back at Notion press Verify, and paste the token.",
        ],
      },
    ),
  },
  events: ["page.*", "database.*", "data_source.*"],
  event: (json) => {
    const type = at(json, "/verification_token") === undefined ? at(json, "/type") : GREETING;
    return typeof type === "string" ? type.slice(0, 128).toWellFormed() : null;
  },
  // Sent anew when somebody asks for that at Notion.
  tests: [GREETING],
  deliveryId: { pointer: "/id" },
  handshake: ({ body }) => {
    const token = at(jsonIn(body), "/verification_token");
    return typeof token === "string" && /^[!-~]{16,256}$/.test(token) ? token : null;
  },
});

export const signedCms = {
  storyblok,
  kontent,
  shopify,
  notion,
  woocommerce,
} as const satisfies Record<string, Source>;
