import type { Context } from "./context.ts";
import { alter } from "./deploys.ts";
import type { Form } from "./form.ts";
import { openDeploys } from "./rows.ts";

/**
 * Cloudflare has another production branch now: what waits goes where its branch leads from here on. Only what names no
 * branch of its own, or is a promotion, goes to production whatever that is called. Inside the caller's transaction.
 */
export function retarget(context: Context, production: string): void {
  for (const row of openDeploys(context.sql)) {
    if (row.status !== "queued" || row.kind === "rollback") {
      continue;
    }
    const form = JSON.parse(row.form) as Form;
    const follows = row.kind === "promote" || form.branch === undefined;
    const branch = follows ? production : row.branch;
    const isProduction = branch === production;
    alter(context, row, {
      branch,
      form: JSON.stringify(row.kind === "promote" ? { ...form, branch } : form),
      environment: isProduction ? "production" : "preview",
      target: isProduction ? "production" : `preview/${branch}`,
    });
  }
}
