import * as z from "zod";

/** What a person sets on a hook beyond its source, branch and repository. Stored and shown as it was given. */

const HeaderName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "must be the name of a header");

/** How the hook's sender proves itself, where its source leaves a choice. Each mode takes some of these. */
export const HookAuth = z.strictObject({
  mode: z.string().max(40).optional(),
  header: HeaderName.optional(),
  prefix: z
    .string()
    .max(64)
    .regex(/^(?! )[ -~]*$/, "must be visible ASCII and begin with no space, which headers lose")
    .optional(),
  username: z
    .string()
    .min(1)
    .max(128)
    // oxlint-disable-next-line no-control-regex -- what a header's value can't have
    .regex(/^[^\u0000-\u001f\u007f-\u009f:]+$/, "must have no colon and no control character")
    .optional(),
  hash: z.enum(["sha1", "sha256", "sha512"]).optional(),
  encoding: z.enum(["hex", "base64", "base64url"]).optional(),
  key: z.enum(["utf8", "hex", "base64", "base64url"]).optional(),
  timestamp_header: HeaderName.optional(),
  timestamp_unit: z.enum(["s", "ms"]).optional(),
  content: z.string().max(256).optional(),
});
export type HookAuth = z.infer<typeof HookAuth>;

const Pointer = z
  .string()
  .max(256)
  .regex(/^(\/([^~/]|~[01])*)+$/, "must be a JSON pointer, such as /data/branch");

/** Where in the JSON of a sender that Signalbox does not know by name things stand. */
export const HookFields = z.strictObject({
  branch: Pointer.optional(),
  commit_hash: Pointer.optional(),
  commit_message: Pointer.optional(),
  actor: Pointer.optional(),
  event: Pointer.optional(),
  delivery_id: Pointer.optional(),
});
export type HookFields = z.infer<typeof HookFields>;

const Globs = z.array(z.string().min(1).max(255)).max(50);
/** What is included (everything, when it is empty) and not excluded. */
export const GlobRule = z.strictObject({
  include: Globs.default([]),
  exclude: Globs.default([]),
});
export type GlobRule = z.infer<typeof GlobRule>;

export const HookSettings = z.object({
  auth: HookAuth.default({}),
  fields: HookFields.default({}),
  branches: GlobRule.default({ include: [], exclude: [] }),
  paths: GlobRule.default({ include: [], exclude: [] }),
  /** Which events deploy, as globs. null: those of the source. */
  events: Globs.min(1).nullable().default(null),
  /** Whether commits whose message asks for no build are passed over. */
  skip_ci: z.boolean().default(true),
  /** How long it has to be quiet before a deploy of this hook starts. null: the project's own rule. */
  quiet_period_seconds: z.int().min(0).max(3_600).nullable().default(null),
});
export type HookSettings = z.infer<typeof HookSettings>;
