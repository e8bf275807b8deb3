import * as z from "zod";

/**
 * What we read of Cloudflare's answers. Everything beyond is dropped; unknown stage names and statuses pass as text, since
 * Cloudflare adds some from time to time (2026: `skipped`, `superseded_queued_build`).
 */
export const UpstreamStage = z.object({
  name: z.string(),
  status: z.string(),
  started_on: z.string().nullish(),
  ended_on: z.string().nullish(),
});

export const UpstreamDeployment = z.object({
  id: z.string().min(1),
  url: z.string().catch(""),
  environment: z.string().catch("preview"),
  created_on: z.string().catch(""),
  aliases: z.array(z.string()).nullish().catch(null),
  is_skipped: z.boolean().nullish().catch(null),
  skip_reason: z.string().nullish().catch(null),
  latest_stage: UpstreamStage.nullish().catch(null),
  stages: z.array(UpstreamStage).nullish().catch(null),
  source: z.unknown().optional(),
  deployment_trigger: z
    .object({
      type: z.string().nullish(),
      metadata: z
        .object({
          branch: z.string().nullish(),
          commit_hash: z.string().nullish(),
          commit_message: z.string().nullish(),
          commit_dirty: z.boolean().nullish(),
        })
        .nullish(),
    })
    .nullish()
    .catch(null),
});
export type UpstreamDeployment = z.infer<typeof UpstreamDeployment>;

export const UpstreamProject = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  subdomain: z.string().catch(""),
  production_branch: z.string().catch("main"),
  domains: z.array(z.string()).nullish().catch(null),
  canonical_deployment: z.object({ id: z.string() }).nullish().catch(null),
  source: z
    .object({
      type: z.string(),
      config: z
        .object({
          production_branch: z.string().nullish(),
          production_deployments_enabled: z.boolean().nullish(),
          preview_deployment_setting: z.string().nullish(),
        })
        .nullish(),
    })
    .nullish()
    .catch(null),
});
export type UpstreamProject = z.infer<typeof UpstreamProject>;

export const UpstreamLogs = z.object({
  total: z.number().catch(0),
  data: z.array(z.object({ ts: z.string().catch(""), line: z.string().catch("") })).catch([]),
});
export type UpstreamLogs = z.infer<typeof UpstreamLogs>;

export const UpstreamUploadToken = z.object({ jwt: z.string().min(1) });

export const Envelope = z.object({
  success: z.boolean(),
  result: z.unknown().optional(),
  errors: z
    .array(z.object({ code: z.number().catch(0), message: z.string().catch("") }))
    .nullish()
    .catch(null),
  result_info: z
    .object({ total_pages: z.number().nullish().catch(null) })
    .nullish()
    .catch(null),
});
