import { iso } from "../ids.ts";
import { must } from "../sql.ts";
import type { Context } from "./context.ts";
import { emit } from "./events.ts";
import { HookSettings } from "./hook-settings.ts";
import type { Outcome } from "./shapes.ts";

/** An inbound endpoint. Its source and secret are bound to it; nothing is guessed from a request's headers. */
export interface HookRow {
  id: string;
  source: string;
  /** `owner/name`; a delivery for another repository is refused. null: not checked. */
  repository: string | null;
  /** Deploys this branch only. null: every branch, or production where the sender knows of no branches. */
  branch: string | null;
  /** JSON of {@link HookSettings}; what it lacks is as the settings' own defaults say. */
  settings: string;
  /** JSON array of sealed secrets (sealed for `hook/<project>/<id>`): two while one is rotated. */
  secrets: string;
  /** Its sender makes the secret and has not told it: nothing is accepted until then. */
  awaiting_secret: number;
  /** The sender handed its secret over, and nobody has looked at it here yet. */
  secret_unseen: number;
  /** The key of the keyring that the URL's tag was last made with. */
  url_key: string;
  /** Goes up with each change; the edge may have cached an older one. */
  revision: number;
  paused: number;
  description: string | null;
  created_at: number;
  last_delivery_at: number | null;
  refusals: number;
  refused_at: number | null;
}

export interface HookView extends HookSettings {
  id: string;
  source: string;
  repository: string | null;
  branch: string | null;
  state: "active" | "paused" | "awaiting_secret";
  /** How many secrets are good: two from a rotation until the older one is retired. */
  secrets: number;
  paused: boolean;
  description: string | null;
  created_at: string;
  last_delivery_at: string | null;
  refusals: number;
  last_refused_at: string | null;
}

/** What the edge needs to check a delivery and to apply the hook's rules. */
export interface HookSecrets {
  readonly id: string;
  readonly source: string;
  readonly repository: string | null;
  readonly branch: string | null;
  readonly settings: HookSettings;
  readonly secrets: readonly string[];
  readonly awaiting_secret: boolean;
  readonly revision: number;
  readonly paused: boolean;
}

export interface NewHook {
  readonly id: string;
  readonly source: string;
  readonly repository: string | null;
  readonly branch: string | null;
  readonly settings: HookSettings;
  readonly secrets: readonly string[];
  readonly awaiting_secret: boolean;
  readonly url_key: string;
  readonly description: string | null;
}

/** What became of one branch of a delivery. */
export interface HookDelivery {
  readonly id: string;
  readonly at: string;
  readonly delivery_id: string | null;
  readonly branch: string | null;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly reason_code: string | null;
  readonly deploy_id: string | null;
}

const DELIVERIES_SHOWN = 50;

/** Refusals are told at most this often, so that a stranger with a leaked URL can't fill the log. */
const REFUSAL_EVERY_MS = 60_000;

export function addHook(context: Context, hook: NewHook): HookView {
  return context.change(() => {
    context.sql.insert("hooks", {
      ...hook,
      settings: JSON.stringify(hook.settings),
      secrets: JSON.stringify(hook.secrets),
      awaiting_secret: Number(hook.awaiting_secret),
      revision: 1,
      created_at: context.now(),
    });
    return view(must(hookRow(context, hook.id)));
  });
}

export function listHooks(context: Context): HookView[] {
  return context.sql.all<HookRow>("SELECT * FROM hooks ORDER BY id").map(view);
}

export function getHook(context: Context, id: string): HookView | null {
  const row = hookRow(context, id);
  return row === null ? null : view(row);
}

export function hookSecrets(context: Context, id: string): HookSecrets | null {
  const row = hookRow(context, id);
  return row === null
    ? null
    : {
        id: row.id,
        source: row.source,
        repository: row.repository,
        branch: row.branch,
        settings: settingsOf(row),
        secrets: JSON.parse(row.secrets) as string[],
        awaiting_secret: row.awaiting_secret === 1,
        revision: row.revision,
        paused: row.paused === 1,
      };
}

export interface HookChange {
  readonly repository?: string | null;
  readonly branch?: string | null;
  readonly description?: string | null;
  readonly paused?: boolean;
  /** Those that are given; the others stay. */
  readonly settings?: Partial<HookSettings>;
  /** A new one in front; the one before stays good. */
  readonly add_secret?: string;
  /** Only the newest stays good. */
  readonly retire_old_secret?: boolean;
  readonly url_key?: string;
}

export function changeHook(context: Context, id: string, change: HookChange): HookView | null {
  return context.change(() => {
    const row = hookRow(context, id);
    if (row === null) {
      return null;
    }
    const { paused, settings, add_secret, retire_old_secret, ...rest } = change;
    const before = JSON.parse(row.secrets) as string[];
    const all = add_secret === undefined ? before : [add_secret, ...before];
    const secrets = all.slice(0, retire_old_secret === true ? 1 : 2);
    context.sql.update("hooks", "id", id, {
      ...rest,
      ...(paused === undefined ? {} : { paused: Number(paused) }),
      ...(settings === undefined
        ? {}
        : { settings: JSON.stringify({ ...settingsOf(row), ...settings }) }),
      ...(add_secret === undefined ? {} : { awaiting_secret: 0, secret_unseen: 0 }),
      secrets: JSON.stringify(secrets),
      revision: row.revision + 1,
    });
    return view(must(hookRow(context, id)));
  });
}

export function removeHook(context: Context, id: string): boolean {
  return context.change(() => {
    const row = hookRow(context, id);
    context.sql.run("DELETE FROM hooks WHERE id = ?", id);
    return row !== null;
  });
}

/**
 * Keeps the secret that a sender handed over. Only while the hook waits for one, so that nobody can put another in its
 * place; says whether it did.
 */
export function takeSecret(context: Context, id: string, sealed: string): boolean {
  return context.change(() => {
    const row = hookRow(context, id);
    const secrets = JSON.stringify([sealed]);
    if (row === null || row.awaiting_secret === 0) {
      // The same call again, because its answer was lost.
      return row?.secrets === secrets;
    }
    context.sql.update("hooks", "id", id, {
      secrets,
      awaiting_secret: 0,
      secret_unseen: 1,
      revision: row.revision + 1,
      last_delivery_at: context.now(),
    });
    context.listeners.delivered();
    return true;
  });
}

/** The sealed secret that a sender handed over, to be shown this once; `null` when there is none to show. */
export function showSecret(context: Context, id: string): string | null {
  return context.change(() => {
    const row = hookRow(context, id);
    if (row === null || row.secret_unseen === 0) {
      return null;
    }
    context.sql.update("hooks", "id", id, { secret_unseen: 0 });
    return (JSON.parse(row.secrets) as string[])[0] ?? null;
  });
}

/** The newest deliveries first, as long as their triggers are kept. */
export function hookDeliveries(context: Context, id: string): HookDelivery[] {
  return context.sql
    .all<Omit<HookDelivery, "at"> & { at: number }>(
      `SELECT id, at, delivery_id, branch, outcome, reason, reason_code, deploy_id
       FROM triggers WHERE hook_id = ? ORDER BY rowid DESC LIMIT ?`,
      id,
      DELIVERIES_SHOWN,
    )
    .map((row) => ({ ...row, at: iso(row.at) }));
}

/** Somebody with the right URL was refused: worth knowing, for a wrongly pasted secret looks just like this. */
export function noteRefusal(context: Context, id: string, code: string, reason: string): void {
  const row = hookRow(context, id);
  const now = context.now();
  if (row === null || (row.refused_at ?? 0) > now - REFUSAL_EVERY_MS) {
    return;
  }
  context.change(() => {
    context.sql.update("hooks", "id", id, { refusals: row.refusals + 1, refused_at: now });
    emit(context, "hook.refused", { hook_id: id, source: row.source, reason, reason_code: code });
  });
}

/** What a hook's secret is sealed for. */
export function hookSeal(projectKey: string, id: string): string {
  return `hook/${projectKey}/${id}`;
}

function hookRow(context: Context, id: string): HookRow | null {
  return context.sql.one<HookRow>("SELECT * FROM hooks WHERE id = ?", id);
}

function settingsOf(row: HookRow): HookSettings {
  return HookSettings.parse(JSON.parse(row.settings));
}

function view(row: HookRow): HookView {
  const awaiting = row.awaiting_secret === 1;
  return {
    id: row.id,
    source: row.source,
    repository: row.repository,
    branch: row.branch,
    ...settingsOf(row),
    state: awaiting ? "awaiting_secret" : row.paused === 1 ? "paused" : "active",
    secrets: (JSON.parse(row.secrets) as string[]).length,
    paused: row.paused === 1,
    description: row.description,
    created_at: iso(row.created_at),
    last_delivery_at: row.last_delivery_at === null ? null : iso(row.last_delivery_at),
    refusals: row.refusals,
    last_refused_at: row.refused_at === null ? null : iso(row.refused_at),
  };
}
