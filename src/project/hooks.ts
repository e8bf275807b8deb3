import { iso } from "../ids.ts";
import { must } from "../sql.ts";
import type { Context } from "./context.ts";
import { emit } from "./events.ts";

/** An inbound endpoint. Its source and secret are bound to it; nothing is guessed from a request's headers. */
export interface HookRow {
  id: string;
  source: string;
  /** `owner/name`; a delivery for another repository is refused. null: not checked. */
  repository: string | null;
  /** Deploys this branch only. null: every branch. */
  branch: string | null;
  /** JSON array of sealed secrets (sealed for `hook/<project>/<id>`): two while one is rotated. */
  secrets: string;
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

export interface HookView {
  id: string;
  source: string;
  repository: string | null;
  branch: string | null;
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
  readonly secrets: readonly string[];
  readonly revision: number;
  readonly paused: boolean;
}

export interface NewHook {
  readonly id: string;
  readonly source: string;
  readonly repository: string | null;
  readonly branch: string | null;
  readonly secrets: readonly string[];
  readonly url_key: string;
  readonly description: string | null;
}

/** Refusals are told at most this often, so that a stranger with a leaked URL can't fill the log. */
const REFUSAL_EVERY_MS = 60_000;

export function addHook(context: Context, hook: NewHook): HookView {
  return context.change(() => {
    context.sql.insert("hooks", {
      ...hook,
      secrets: JSON.stringify(hook.secrets),
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
        secrets: JSON.parse(row.secrets) as string[],
        revision: row.revision,
        paused: row.paused === 1,
      };
}

export interface HookChange {
  readonly repository?: string | null;
  readonly branch?: string | null;
  readonly description?: string | null;
  readonly paused?: boolean;
  readonly secrets?: readonly string[];
  readonly url_key?: string;
}

export function changeHook(context: Context, id: string, change: HookChange): HookView | null {
  return context.change(() => {
    const row = hookRow(context, id);
    if (row === null) {
      return null;
    }
    const { paused, secrets, ...rest } = change;
    context.sql.update("hooks", "id", id, {
      ...rest,
      ...(paused === undefined ? {} : { paused: Number(paused) }),
      ...(secrets === undefined ? {} : { secrets: JSON.stringify(secrets) }),
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

function view(row: HookRow): HookView {
  return {
    id: row.id,
    source: row.source,
    repository: row.repository,
    branch: row.branch,
    paused: row.paused === 1,
    description: row.description,
    created_at: iso(row.created_at),
    last_delivery_at: row.last_delivery_at === null ? null : iso(row.last_delivery_at),
    refusals: row.refusals,
    last_refused_at: row.refused_at === null ? null : iso(row.refused_at),
  };
}
