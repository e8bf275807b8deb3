import * as z from "zod";

import { SOURCE_NAMES, sources } from "../hooks/sources/index.ts";
import type { Source } from "../hooks/sources/source.ts";
import type { Api } from "./context.ts";
import { json, openRefusals } from "./responses.ts";
import { createRoute } from "./route.ts";
import { SourceNames } from "./schemas.ts";

const Mode = z
  .object({
    mode: z.string(),
    title: z.string(),
    options: z.array(z.string()).meta({ description: "What `auth` may have beside `mode`." }),
    secret: z.enum(["made", "given", "handshake", "none"]).meta({
      description:
        "`made`: Signalbox makes the secret unless one is given. `given`: the sender makes it, and the hook waits to be given it. `handshake`: the sender makes it and hands it over itself. `none`: there is none but the URL.",
    }),
    paste: z.array(z.object({ label: z.string(), value: z.string() })),
    setup: z.array(z.string()),
  })
  .meta({ id: "SourceMode" });

const SourceView = z
  .object({
    source: SourceNames,
    title: z.string(),
    kind: z.enum(["git", "cms", "generic", "cloudflare"]),
    events: z.array(z.string()).meta({ description: "What deploys unless a hook says otherwise." }),
    branch_from: z.string(),
    takes_fields: z.boolean(),
    modes: z.array(Mode).meta({ description: "The first is the default." }),
  })
  .meta({ id: "Source" });

const list = createRoute({
  method: "get",
  path: "/v1/sources",
  operationId: "listSources",
  summary: "List the senders that Signalbox knows",
  description:
    "With how each proves itself and what to do at the sender. Needs no token: it is the same everywhere.",
  tags: ["Hooks"],
  security: [],
  responses: {
    200: json(z.object({ items: z.array(SourceView) }), "Every source."),
    ...openRefusals(),
  },
});

export function sourceRoute(api: Api): void {
  api.openapi(list, (c) => c.json({ items: SOURCE_NAMES.map(view) }, 200));
}

function view(name: (typeof SOURCE_NAMES)[number]): z.infer<typeof SourceView> {
  const { title, kind, events, branchFrom, modes, takesFields }: Source = sources[name];
  return {
    source: name,
    title,
    kind,
    events: [...events],
    branch_from: branchFrom,
    takes_fields: takesFields === true,
    modes: Object.entries(modes).map(([mode, m]) => ({
      mode,
      title: m.title,
      options: [...m.options],
      secret: m.secret,
      paste: m.paste.map(([label, value]) => ({ label, value })),
      setup: [...m.steps],
    })),
  };
}
