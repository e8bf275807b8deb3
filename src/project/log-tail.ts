import type { UpstreamDeployment, UpstreamLogs } from "../cloudflare/schemas.ts";
import { secretsOf } from "../env.ts";
import { withoutColours } from "../notify/text.ts";
import { redact } from "../security/redact.ts";
import type { Context } from "./context.ts";
import { read } from "./reading.ts";
import { projectRow, type DeployRow } from "./rows.ts";
import { mayTryAgain } from "./try-again.ts";
import { call } from "./upstream.ts";

const LINES = 15;
const CHARACTERS = 300;
/** No secret is longer than what is looked at beyond the end. */
const LOOKED_AT = 4_096;

/** The last lines of a log that say something. */
export function tailOf(data: UpstreamLogs["data"], secrets: readonly string[]): string[] {
  return data
    .map(({ line }) => withoutColours(line.slice(0, LOOKED_AT)).trimEnd())
    .filter((line) => line !== "")
    .slice(-LINES)
    .map((line) => redact(line, secrets).slice(0, CHARACTERS).toWellFormed());
}

/**
 * The end of the log of a build that has failed for good; none of any other, and none where it can't be had: the failure is
 * told all the same. One call.
 */
export async function logTail(
  context: Context,
  row: DeployRow,
  deployment: UpstreamDeployment,
): Promise<string[]> {
  const { end, stage } = read(deployment);
  if (end?.status !== "failed" || mayTryAgain(context, row, stage)) {
    return [];
  }
  try {
    const { name } = projectRow(context.sql);
    const called = await call(context, "more", (c) => c.logs(name, deployment.id));
    return called.permitted && called.answer.ok
      ? tailOf(called.answer.value.data, secretsOf(await context.config()))
      : [];
  } catch (error) {
    console.error({ message: "the log of a failed build could not be read", error: String(error) });
    return [];
  }
}
