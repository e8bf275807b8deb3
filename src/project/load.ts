import { KINDS, type SubscriberKind } from "../notify/kinds.ts";
import { faultIn } from "./change-policy.ts";
import type { Context } from "./context.ts";
import { nextOccurrence } from "./cron.ts";
import { emit } from "./events.ts";
import { DEFAULT_POLICY, type Policy } from "./policy.ts";
import { PORTABLE, type PortableKind } from "./portable.ts";
import type { Cell, PortableRow } from "./portable-fields.ts";
import { probeUrl } from "./probe.ts";
import { reasons } from "./reasons.ts";
import type { Refusal } from "./refusal.ts";
import { domainsOf, projectRow } from "./rows.ts";
import type { DeployStatus } from "./shapes.ts";
import { isEnd } from "./status.ts";
import { windowsChanged } from "./window-events.ts";

/** What the first line of an export says, as far as it matters. */
export interface ImportHeader {
  readonly project: string;
  readonly upstream_id: string;
}

/** Something that is not as it was, and what to do about it. */
export interface Remark {
  readonly kind: string;
  readonly id: string | null;
  readonly detail: string;
}

/** Thrown to take back all that was written. */
export class Unfit extends Error {
  readonly refusal: Refusal;

  constructor(code: Refusal["code"], detail: string) {
    super(detail);
    this.refusal = { code, detail };
  }
}

/** One import on its way into the tables. */
export class Loading {
  readonly counts: Record<string, number> = {};
  readonly remarks: Remark[] = [];
  /** The line that is at hand. */
  n = 1;
  readonly #context: Context;
  /** The export is of another Pages project: the deployments that it names are not here. */
  readonly #elsewhere: boolean;
  /** What happened here before: it goes behind what is imported, which is older. */
  #own: object[] | null = null;
  /** Noticed here before. */
  readonly #externals: ReadonlySet<string>;
  #open = 0;
  #numbers: PortableRow = {};

  constructor(context: Context, header: ImportHeader) {
    this.#context = context;
    this.#elsewhere = header.upstream_id !== projectRow(context.sql).upstream_id;
    this.#externals = new Set(
      context.sql
        .all<{ id: string }>("SELECT deployment_id AS id FROM externals")
        .map((row) => row.id),
    );
  }

  take(kind: PortableKind, row: Record<string, Cell>): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    const now = this.#context.now();
    switch (kind) {
      case "policy":
        return this.#policy(row);
      case "hook":
        if (row["awaiting_secret"] === 1) {
          this.#remark(kind, row["id"], NEW_SECRET);
        }
        return this.#insert(kind, {
          ...row,
          secrets: "[]",
          // Above what it was: the edge may still know it as it was.
          revision: Number(row["revision"]) + 1,
        });
      case "subscriber": {
        const reason = withoutSecret(row);
        this.#remark(kind, row["id"], reason);
        return this.#insert(kind, {
          ...row,
          header_names: "[]",
          secret: "",
          state: "disabled",
          reason,
          cursor: 0,
        });
      }
      case "schedule":
        return this.#insert(kind, { ...row, ...dueOf(row, now) });
      case "deploy":
        return this.#deploy(row, now);
      case "trigger":
        // What was asked of another project has not been asked of this one.
        return this.#insert(
          kind,
          this.#elsewhere ? { ...row, dedupe_key: null, fingerprint: null } : row,
        );
      case "external":
        return this.#elsewhere || this.#externals.has(String(row["deployment_id"]))
          ? this.#leaveOut(kind)
          : this.#insert(kind, row);
      case "event":
        this.#own ??= this.#context.sql.all(
          "DELETE FROM events RETURNING id, type, at, deploy_id, data",
        );
        return this.#insert(kind, row);
      case "numbers":
        this.#numbers = row;
        return;
      case "trust":
      case "lock":
      case "run":
      case "mark":
        return this.#insert(kind, row);
    }
  }

  /** What rests on all lines together. */
  finish(by: string, from: string): void {
    const { sql } = this.#context;
    this.#count();
    for (const event of this.#own ?? []) {
      sql.insert("events", event);
    }
    windowsChanged(this.#context);
    if (this.#open > 0) {
      const what =
        this.#open === 1
          ? "1 deploy had not ended and is"
          : `${this.#open} deploys had not ended and are`;
      this.#remark("deploy", null, `${what} canceled here. Ask for what is still wanted again.`);
    }
    if (this.#elsewhere && this.counts["deploy"] !== undefined) {
      const detail =
        "The export is of another Pages project: deploys come without their deployments, and can't be rolled back to.";
      this.#remark("deploy", null, detail);
    }
    emit(this.#context, "project.imported", { by, from, imported: this.counts });
    // Nobody is told again of what had happened by then.
    sql.run("UPDATE subscribers SET cursor = (SELECT MAX(sequence) FROM events)");
  }

  /** No number goes back: neither below what the export had reached nor below what was given here. */
  #count(): void {
    const { sql } = this.#context;
    const numbers = this.#numbers;
    sql.run(
      `UPDATE project SET look_at = ?, next_number = MAX(next_number, ?,
         (SELECT COALESCE(MAX(number), 0) + 1 FROM deploys), (SELECT COALESCE(MAX(number), 0) + 1 FROM marks)),
         live_deploy_id = (SELECT id FROM deploys WHERE id = ? AND target = 'production' AND deployment_id IS NOT NULL)`,
      // What still runs at Cloudflare is found by this.
      this.#context.now(),
      numbers["next_number"] ?? 1,
      numbers["live_deploy_id"] ?? null,
    );
    sql.run(
      `INSERT INTO marks (target, number) SELECT target, MAX(number) FROM deploys WHERE started_at IS NOT NULL GROUP BY target
       ON CONFLICT (target) DO UPDATE SET number = MAX(number, excluded.number)`,
    );
    const { last } = sql.one<{ last: number }>(
      "SELECT COALESCE(MAX(seq), 0) AS last FROM sqlite_sequence WHERE name = 'events'",
    ) ?? { last: 0 };
    const reached = Number(numbers["sequence"] ?? 0);
    if (reached > last) {
      // AUTOINCREMENT goes on behind the highest number that ever was.
      sql.insert("events", { sequence: reached, id: "", type: "", at: 0, data: "{}" });
      sql.run("DELETE FROM events WHERE sequence = ?", reached);
    }
  }

  #policy(row: PortableRow): void {
    const { sql } = this.#context;
    const project = projectRow(sql);
    const domains = domainsOf(project);
    const given: Policy = { ...DEFAULT_POLICY, ...(JSON.parse(String(row["policy"])) as Policy) };
    const checks = given.health.checks.filter(({ url }) => probeUrl(url, domains) !== null);
    const left = given.health.checks.length - checks.length;
    if (left > 0) {
      const detail = `${left} of its health checks ${left === 1 ? "is" : "are"} about no domain of this project and left out.`;
      this.#remark("policy", null, detail);
    }
    const policy = { ...given, health: { ...given.health, checks } };
    const wrong = faultIn(policy, this.#context.now(), domains);
    if (wrong !== null) {
      throw this.#unfit(`policy: ${wrong}`);
    }
    sql.update("project", "id", 1, {
      policy: JSON.stringify(policy),
      policy_revision: Math.max(project.policy_revision + 1, Number(row["policy_revision"])),
    });
  }

  /** Nothing is started or followed by an import. What runs of it at Cloudflare is found there, and shown as what others made. */
  #deploy(row: Record<string, Cell>, now: number): void {
    const open = !isEnd(row["status"] as DeployStatus);
    const why = reasons.endedByImport();
    this.#open += Number(open);
    // What is being verified is live.
    const unknown = this.#elsewhere || (open && row["status"] !== "verifying");
    this.#insert("deploy", {
      ...row,
      ...(open && {
        status: "canceled",
        reason: why.text,
        reason_code: why.code,
        ended_at: now,
      }),
      ...(unknown && { deployment_id: null, deployment: null }),
    });
  }

  #insert(kind: PortableKind, row: Readonly<Record<string, Cell>>): void {
    if (this.#context.sql.insert(PORTABLE[kind].table, row, true) === 0) {
      throw this.#unfit(`${kind}: its id or number was there before. Each may come once.`);
    }
  }

  #leaveOut(kind: PortableKind): void {
    this.counts[kind] = (this.counts[kind] ?? 1) - 1;
  }

  #remark(kind: PortableKind, id: Cell | undefined, detail: string): void {
    this.remarks.push({ kind, id: typeof id === "string" ? id : null, detail });
  }

  #unfit(detail: string): Unfit {
    return new Unfit("import_invalid", `Line ${this.n}: ${detail}`);
  }
}

const NEW_SECRET =
  "It was imported without its secret and takes nothing until it has one: PATCH it with rotate_secret, or with the secret that its sender has.";

/** As the reason for which a subscriber is disabled. */
function withoutSecret(row: PortableRow): string {
  const { proof } = KINDS[row["kind"] as SubscriberKind];
  const [what, how] = {
    signature: ["signing secret", "Rotate that and give the new one to its receiver"],
    url: ["URL, which is its secret", "Give that again"],
    token: ["token", "Give that again"],
  }[proof];
  const names = JSON.parse(String(row["header_names"])) as string[];
  const more = names.length === 0 ? "" : `, and the headers ${names.join(", ")}, too`;
  return `It was imported without its ${what}. ${how}${more}; then set its state to active.`;
}

/** From now on: what was due before may have been done where it was exported. */
function dueOf(row: PortableRow, now: number): Record<string, Cell> {
  if (row["ended_at"] !== null) {
    return { due_at: null };
  }
  const at = row["at"] as number | null;
  if (at !== null && at <= now) {
    const { code, text } = reasons.passedBeforeImport();
    return {
      due_at: null,
      ended_at: now,
      last_outcome: "ignored",
      last_reason: text,
      last_reason_code: code,
      last_deploy_id: null,
    };
  }
  const next = at ?? nextOccurrence(String(row["cron"]), String(row["time_zone"]), now);
  return { due_at: row["paused"] === 1 ? null : next };
}
