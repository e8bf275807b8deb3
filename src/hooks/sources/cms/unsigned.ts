import { at } from "../../delivery.ts";
import { basic, bearer, header } from "../modes.ts";
import type { Source } from "../source.ts";
import { cms, draft } from "./cms.ts";

/** CMSs that sign nothing, but can send a secret along. */

const prismic = cms({
  name: "prismic",
  title: "Prismic",
  modes: {
    secret: {
      title: "Secret in the body",
      options: [],
      scheme: () => ({ kind: "body", pointer: "/secret" }),
      secret: "made",
      paste: [
        ["URL", "{url}"],
        ["Secret", "{secret}"],
      ],
      steps: [
        "In Prismic, open Settings, Webhooks, Create a webhook.",
        "Paste URL and Secret.",
        "Triggers: a document is published or unpublished; a release need not.",
        "Press Add this webhook. Trigger it sends a test, which deploys nothing.",
      ],
    },
  },
  events: ["api-update"],
  event: { pointer: "/type" },
  tests: ["test-trigger"],
  draft: (_, json) =>
    at(json, "/masterRef") === undefined ? draft("Only a release was made or edited") : null,
  // Anything else, a 202 too, makes Prismic send the same again every ten minutes.
  status: 200,
});

const datocms = cms({
  name: "datocms",
  title: "DatoCMS",
  modes: {
    basic: basic({
      paste: [
        ["URL", "{url}"],
        ["HTTP Basic user", "{username}"],
        ["HTTP Basic password", "{secret}"],
      ],
      steps: [
        "In DatoCMS, open Project settings, Webhooks, Add a new webhook.",
        "Paste URL, and user and password under HTTP basic auth.",
        "Triggers: Record, on publish and unpublish (without drafts: on create, update and delete).",
        "Leave Send a custom payload off and press Save.",
      ],
    }),
    header: header({
      paste: [
        ["URL", "{url}"],
        ["Custom header", "{header}: {prefix}{secret}"],
      ],
      steps: [
        "In DatoCMS, open Project settings, Webhooks, Add a new webhook.",
        "Paste URL, and the custom header under HTTP headers.",
        "Triggers: Record, on publish and unpublish (without drafts: on create, update and delete).",
        "Leave Send a custom payload off and press Save.",
      ],
    }),
  },
  events: ["**"],
  event: { pointer: "/event_type" },
  deliveryId: { pointer: "/webhook_call_id" },
});

const STRAPI_STEPS = [
  "Events: Entry publish, unpublish and delete, and Media if the site shows some.",
  "Press Save. Trigger sends a test, which deploys nothing.",
];

const strapi = cms({
  name: "strapi",
  title: "Strapi",
  modes: {
    bearer: bearer({
      paste: [
        ["Url", "{url}"],
        ["Header Authorization", "Bearer {secret}"],
      ],
      steps: [
        "In Strapi's admin panel, open Settings, Webhooks, Create new webhook.",
        "Paste Url, and add the header Authorization with its value.",
        ...STRAPI_STEPS,
      ],
    }),
    header: header({
      paste: [
        ["Url", "{url}"],
        ["Header {header}", "{prefix}{secret}"],
      ],
      steps: [
        "In Strapi's admin panel, open Settings, Webhooks, Create new webhook.",
        "Paste Url, and add the header with the secret as its value.",
        ...STRAPI_STEPS,
      ],
    }),
  },
  events: ["entry.*", "media.*", "releases.publish"],
  event: { pointer: "/event" },
  tests: ["trigger-test"],
  draft: (_, json) => {
    if (at(json, "/event") === "entry.draft-discard") {
      return draft("A draft was thrown away");
    }
    const saved = at(json, "/event") === "entry.create" || at(json, "/event") === "entry.update";
    return saved && at(json, "/entry/publishedAt") === null ? draft("The entry is a draft") : null;
  },
});

const directus = cms({
  name: "directus",
  title: "Directus",
  modes: {
    bearer: bearer({
      paste: [
        ["URL", "{url}"],
        ["Header Authorization", "Bearer {secret}"],
      ],
      steps: [
        "In Directus, open Settings, Flows, Create flow. Trigger: Event hook, Action (non-blocking), and choose the collections.",
        "Add the operation Webhook / Request URL: method POST, paste URL and the header Authorization.",
        'Request body, if the event shall be shown: {"event": "{{$trigger.event}}"}.',
        "Press Save.",
      ],
    }),
    header: header({
      paste: [
        ["URL", "{url}"],
        ["Header {header}", "{prefix}{secret}"],
      ],
      steps: [
        "In Directus, open Settings, Flows, Create flow. Trigger: Event hook, Action (non-blocking), and choose the collections.",
        "Add the operation Webhook / Request URL: method POST, paste URL and the header.",
        'Request body, if the event shall be shown: {"event": "{{$trigger.event}}"}.',
        "Press Save.",
      ],
    }),
  },
  events: ["**"],
  event: { pointer: "/event" },
  freeBody: true,
});

const tinacloud = cms({
  name: "tinacloud",
  title: "TinaCloud",
  modes: {
    header: header({
      paste: [
        ["URL", "{url}"],
        ["Custom header {header}", "{prefix}{secret}"],
      ],
      steps: [
        "In TinaCloud, open the project, then Webhooks, Add webhook.",
        "Paste URL and the custom header; choose the branches and the content events.",
        "TinaCloud also commits what is saved: use this hook or one of the git host, not both.",
      ],
    }),
  },
  events: ["content.*"],
  event: { pointer: "/type" },
  deliveryId: { pointer: "/eventId" },
  branch: { pointer: "/branch" },
  paths: { pointer: "/paths" },
});

const umbraco = cms({
  name: "umbraco",
  title: "Umbraco",
  modes: {
    header: header({
      paste: [
        ["Url", "{url}"],
        ["Header {header}", "{prefix}{secret}"],
      ],
      steps: [
        "In Umbraco's backoffice, open Settings, Webhooks, Create.",
        "Paste Url, and add the header with the secret as its value.",
        "Events: Content was published, unpublished and deleted. Press Save.",
      ],
    }),
  },
  events: ["**"],
  event: { header: "umb-webhook-event" },
  freeBody: true,
});

export const unsignedCms = {
  prismic,
  datocms,
  strapi,
  directus,
  tinacloud,
  umbraco,
} as const satisfies Record<string, Source>;
