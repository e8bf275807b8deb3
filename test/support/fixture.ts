import * as z from "zod";

import { HookFields } from "../../src/project/hook-settings.ts";

const Trigger = z.strictObject({
  branch: z.string().nullable(),
  commit_hash: z.string().nullable(),
  commit_message: z.string().nullable(),
  actor: z.string().nullable(),
  paths: z.array(z.string()).nullable(),
});

/** One delivery as its sender sends it, with values of our own, and what is to be read from it. */
export const Fixture = z.strictObject({
  about: z.string().regex(/https:\/\//, "must say where the shape is from"),
  query: z.record(z.string(), z.string()).default({}),
  fields: HookFields.default({}),
  headers: z.record(z.string().regex(/^[a-z0-9-]+$/), z.string()),
  /** A string is the raw body; anything else is sent as JSON. */
  body: z.json(),
  /** The secret that this delivery hands over. */
  handshake: z.string().nullable().default(null),
  expect: z.union([
    z.strictObject({
      event: z.string().nullish(),
      repository: z.string().nullish(),
      delivery_id: z.string().nullish(),
      triggers: z.array(Trigger.partial()),
      /** Deleted branches. */
      passed_over: z.array(z.string()).optional(),
      /** Whether the event is one of those that deploy unless the hook says otherwise. */
      chosen: z.boolean().default(true),
    }),
    z.strictObject({ ignored: z.string() }),
    z.strictObject({ look: z.string() }),
    z.strictObject({ malformed: z.literal(true) }),
    z.strictObject({ unsupported: z.literal(true) }),
  ]),
});
export type Fixture = z.infer<typeof Fixture>;

export interface NamedFixture {
  /** The source, which is the folder's name. */
  readonly folder: string;
  readonly name: string;
  readonly fixture: Fixture;
}

export function bodyOf({ body }: Fixture): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}
