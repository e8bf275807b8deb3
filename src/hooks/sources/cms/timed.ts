import { signed, urlOnly } from "../modes.ts";
import type { Source } from "../source.ts";
import { cms, draft } from "./cms.ts";

/** CMSs that sign what they send, and when they do. */

const sanity = cms({
  name: "sanity",
  title: "Sanity",
  modes: {
    signature: signed(
      "sanity-webhook-signature",
      {
        signature: { header: "sanity-webhook-signature", pair: "v1" },
        encoding: "base64url",
        content: "{timestamp}.{body}",
        fields: { timestamp: { header: "sanity-webhook-signature", pair: "t" } },
        clock: "ms",
      },
      {
        paste: [
          ["URL", "{url}"],
          ["HTTP method", "POST"],
          ["Secret", "{secret}"],
        ],
        steps: [
          "In Sanity's project settings, open API, Webhooks, Create webhook.",
          "Paste URL and Secret; choose the dataset, and Create, Update and Delete to trigger on.",
          "HTTP method: POST. Leave drafts and versions off: they deploy nothing.",
          "Press Save.",
        ],
      },
    ),
  },
  events: ["**"],
  event: { header: "sanity-operation" },
  deliveryId: { header: "idempotency-key" },
  draft: ({ headers }) =>
    /^(drafts|versions)\./.test(headers.get("sanity-document-id") ?? "")
      ? draft("The document is a draft or a version of a release")
      : null,
  freeBody: true,
});

const contentful = cms({
  name: "contentful",
  title: "Contentful",
  modes: {
    signature: {
      title: "Request verification",
      options: [],
      scheme: () => ({ kind: "contentful" }),
      secret: "made",
      paste: [
        ["URL", "{url}"],
        ["Signing secret", "{secret}"],
      ],
      steps: [
        "In Contentful, open Settings, Webhooks, Settings and enable request verification with this secret. A space has one: if it has one already, make this hook with that.",
        "Add webhook: paste URL, method POST. Leave the URL as it is, without a query.",
        "Triggers: Publish and Unpublish of entries and assets.",
        "Press Save.",
      ],
    },
  },
  events: [
    "ContentManagement.*.publish",
    "ContentManagement.*.unpublish",
    "ContentManagement.Release*.execute",
  ],
  event: { header: "x-contentful-topic" },
  deliveryId: { header: "x-contentful-idempotency-key" },
  freeBody: true,
});

const ghost = cms({
  name: "ghost",
  title: "Ghost",
  modes: {
    signature: signed(
      "X-Ghost-Signature",
      {
        signature: { header: "X-Ghost-Signature", pair: "sha256" },
        content: "{body}{timestamp}",
        fields: { timestamp: { header: "X-Ghost-Signature", pair: "t" } },
        clock: "ms",
      },
      {
        paste: [
          ["Target URL", "{url}"],
          ["Secret", "{secret}"],
        ],
        steps: [
          "In Ghost Admin, open Settings, Integrations, Add custom integration.",
          "Add webhook: Event, Site changed (rebuild). Paste Target URL and Secret.",
          "Press Add.",
        ],
      },
    ),
  },
  events: ["**"],
  event: { pointer: "/event" },
  deliveryId: { signature: { header: "X-Ghost-Signature", pair: "sha256" } },
  freeBody: true,
});

const hygraph = cms({
  name: "hygraph",
  title: "Hygraph",
  modes: {
    signature: signed(
      "gcms-signature",
      {
        signature: { header: "gcms-signature", pair: "sign" },
        encoding: "base64",
        content:
          '{"Body":{body:json},"EnvironmentName":{environment:json},"TimeStamp":{timestamp}}',
        fields: {
          environment: { header: "gcms-signature", pair: "env" },
          timestamp: { header: "gcms-signature", pair: "t" },
        },
        clock: "ms",
      },
      {
        paste: [
          ["URL", "{url}"],
          ["Secret key", "{secret}"],
        ],
        steps: [
          "In Hygraph, open Webhooks, Add webhook. Method: POST; paste URL.",
          "Enable the signature and paste Secret key. Leave Include payload on.",
          "Triggers: the stage Published, with Publish and Unpublish.",
          "Press Add webhook.",
        ],
      },
    ),
  },
  events: ["publish", "unpublish", "delete"],
  event: { pointer: "/operation" },
  deliveryId: { signature: { header: "gcms-signature", pair: "sign" } },
});

const webflow = cms({
  name: "webflow",
  title: "Webflow",
  modes: {
    signature: signed(
      "x-webflow-signature",
      {
        content: "{timestamp}:{body}",
        fields: { timestamp: { header: "x-webflow-timestamp" } },
        clock: "ms",
      },
      {
        secret: "given",
        paste: [["URL", "{url}"]],
        steps: [
          "Make the webhook with Webflow's API (v2, POST /sites/:site/webhooks) with this URL and the trigger site_publish.",
          "Give this hook the webhook's secretKey, or the client secret of the app that made it.",
          "Webhooks made in Webflow's dashboard are not signed: make a hook with the mode url for those.",
        ],
      },
    ),
    url: urlOnly({
      paste: [["Webhook URL", "{url}"]],
      steps: [
        "In Webflow, open Site settings, Apps & integrations, Webhooks, Add webhook.",
        "Trigger type: Site publish. Paste Webhook URL and press Add webhook.",
      ],
    }),
  },
  events: [
    "site_publish",
    "collection_item_published",
    "collection_item_unpublished",
    "collection_item_deleted",
  ],
  event: { pointer: "/triggerType" },
  deliveryId: { signature: { header: "x-webflow-signature" } },
});

export const timedCms = {
  sanity,
  contentful,
  ghost,
  hygraph,
  webflow,
} as const satisfies Record<string, Source>;
