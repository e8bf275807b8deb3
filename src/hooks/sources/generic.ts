import type { HookAuth, HookFields } from "../../project/hook-settings.ts";
import { at, jsonIn, readField, type Delivery } from "../delivery.ts";
import { hmac } from "../verify/scheme.ts";
import { readBranch } from "./cms/cms.ts";
import { basic, bearer, header, standard, urlOnly } from "./modes.ts";
import { deliveryId, malformed, Message, Name, Sha } from "./reading.ts";
import type { Mode, Reading, Source } from "./source.ts";

/** Senders that Signalbox does not know by name: the scheme is all there is, and the hook says where things stand. */

function generic(
  name: string,
  title: string,
  mode: Mode,
  idHeaders: readonly string[] = [],
): Source {
  return {
    name,
    title,
    kind: "generic",
    modes: { [name]: mode },
    events: ["**"],
    branchFrom: "the place that fields.branch names, or the hook",
    takesFields: true,
    read: (delivery, fields) => read(title, idHeaders, delivery, fields),
  };
}

const signing = (what: string): string[] => [
  `Have the sender POST to the URL, ${what}.`,
  "The body may be anything. To take branch, commit or author from it, set fields to JSON pointers.",
];

export const standardWebhooks = generic(
  "standard-webhooks",
  "Standard Webhooks",
  standard(["webhook-"], {
    paste: [
      ["URL", "{url}"],
      ["Secret", "{secret}"],
    ],
    steps: signing(
      "signed as standardwebhooks.com says, with the secret (or give a whpk_ public key)",
    ),
  }),
  ["webhook-id"],
);

export const svix = generic(
  "svix",
  "Svix",
  standard(["svix-", "webhook-"], {
    secret: "given",
    paste: [["Endpoint URL", "{url}"]],
    steps: [
      "In the sender's Svix portal, open Endpoints, Add endpoint, and paste Endpoint URL.",
      "Press Create, then copy the endpoint's Signing secret and give it to this hook.",
    ],
  }),
  ["svix-id", "webhook-id"],
);

const HASHES = { sha1: "SHA-1", sha256: "SHA-256", sha512: "SHA-512" } as const;
const DEFAULT_HEADER = "X-Hub-Signature-256";

export const customHmac = generic("hmac", "HMAC", {
  title: "HMAC of your own",
  options: [
    "header",
    "prefix",
    "hash",
    "encoding",
    "key",
    "timestamp_header",
    "timestamp_unit",
    "content",
  ],
  scheme: (auth) => {
    const timed = auth.timestamp_header;
    return hmac(auth.header ?? DEFAULT_HEADER, {
      prefix: auth.prefix ?? (auth.header === undefined ? "sha256=" : ""),
      hash: HASHES[auth.hash ?? "sha256"],
      encoding: auth.encoding ?? "hex",
      key: auth.key ?? "utf8",
      content: auth.content ?? (timed === undefined ? "{body}" : "{timestamp}.{body}"),
      ...(timed !== undefined && {
        fields: { timestamp: { header: timed } },
        clock: auth.timestamp_unit ?? "s",
      }),
    });
  },
  check: checkHmac,
  secret: "made",
  paste: [
    ["URL", "{url}"],
    ["Secret", "{secret}"],
  ],
  steps: signing("with the HMAC in the header that auth names"),
});

function checkHmac(auth: HookAuth): { field: string; detail: string } | null {
  const { content, timestamp_header: timed, timestamp_unit: unit } = auth;
  if (timed === undefined && unit !== undefined) {
    return {
      field: "auth.timestamp_unit",
      detail: "There is no timestamp_header to be read in it.",
    };
  }
  if (
    timed !== undefined &&
    timed.toLowerCase() === (auth.header ?? DEFAULT_HEADER).toLowerCase()
  ) {
    return { field: "auth.timestamp_header", detail: "The signature is in that header." };
  }
  if (content === undefined) {
    return null;
  }
  const names = [...content.matchAll(/\{([^{}]*)\}/g)].map(([, name = ""]) => name);
  const due = timed === undefined ? ["body"] : ["body", "timestamp"];
  return names.length === due.length && due.every((name) => names.includes(name))
    ? null
    : {
        field: "auth.content",
        detail: `It must have ${due.map((name) => `{${name}}`).join(" and ")} once, and nothing else in braces.`,
      };
}

export const secretHeader = generic(
  "header",
  "Secret header",
  header({
    paste: [
      ["URL", "{url}"],
      ["Header {header}", "{prefix}{secret}"],
    ],
    steps: signing("with the secret in the header"),
  }),
);

export const bearerToken = generic(
  "bearer",
  "Bearer token",
  bearer({
    paste: [
      ["URL", "{url}"],
      ["Header Authorization", "Bearer {secret}"],
    ],
    steps: signing("with the header Authorization"),
  }),
);

export const basicAuth = generic(
  "basic",
  "HTTP Basic",
  basic({
    paste: [
      ["URL", "{url}"],
      ["Username", "{username}"],
      ["Password", "{secret}"],
    ],
    steps: signing("with HTTP Basic authentication"),
  }),
);

/** A deploy hook as Netlify, Vercel and Cloudflare have them: the URL is the secret. */
export const deployHook: Source = {
  name: "url",
  title: "Deploy hook",
  kind: "generic",
  modes: {
    url: urlOnly({
      paste: [["URL", "{url}"]],
      steps: [
        "POST to the URL, with any body or none. Whoever knows the URL can deploy, so keep it secret.",
        "?branch= chooses the branch and ?title= says why; trigger_branch and trigger_title are read too.",
      ],
    }),
  },
  events: ["**"],
  branchFrom: "?branch=, or the hook",
  read({ search }) {
    const query = new URLSearchParams(search);
    const asked = query.get("branch") ?? query.get("trigger_branch");
    const branch = readBranch(asked);
    if (branch === undefined) {
      return malformed("?branch= is not the name of a branch.");
    }
    const title = Message.parse(query.get("title") ?? query.get("trigger_title") ?? "").slice(
      0,
      200,
    );
    return triggerOf({ branch, commit_message: title === "" ? "Deploy hook" : title }, null, null);
  },
};

function read(
  title: string,
  idHeaders: readonly string[],
  { headers, body }: Delivery,
  fields: HookFields,
): Reading {
  const json = Object.keys(fields).length === 0 ? undefined : jsonIn(body);
  const value = (name: keyof HookFields): unknown => {
    const pointer = fields[name];
    return pointer === undefined ? undefined : at(json, pointer);
  };
  const branch = readBranch(value("branch"));
  if (branch === undefined || (branch === null && fields.branch !== undefined)) {
    return malformed(`There is no branch at ${fields.branch} in the body.`);
  }
  const [hash, message, actor, event] = [
    Sha.safeParse(value("commit_hash")).data,
    Message.safeParse(value("commit_message")).data,
    Name.safeParse(value("actor")).data,
    Name.safeParse(value("event")).data,
  ];
  const idHeader = idHeaders.map((name) => readField(headers, { header: name })).find(Boolean);
  const idIn = value("delivery_id");
  const id = fields.delivery_id === undefined ? idHeader : typeof idIn === "string" ? idIn : null;
  return triggerOf(
    {
      branch,
      commit_hash: hash ?? null,
      commit_message: message ?? (event === undefined ? title : `${title}: ${event}`),
      actor: actor ?? null,
    },
    event ?? null,
    deliveryId(id),
  );
}

function triggerOf(
  trigger: {
    branch: string | null;
    commit_message: string;
    commit_hash?: string | null;
    actor?: string | null;
  },
  event: string | null,
  delivery_id: string | null,
): Reading {
  return {
    kind: "triggers",
    event,
    repository: null,
    triggers: [{ commit_hash: null, actor: null, paths: null, ...trigger }],
    passed_over: [],
    delivery_id,
  };
}
