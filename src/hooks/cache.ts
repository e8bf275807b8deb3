import { callProject } from "../call.ts";
import type { Config } from "../env.ts";
import { hookSeal, type HookSecrets } from "../project/hooks.ts";

/** A hook as the edge knows it, its secrets in the clear. They stay in this isolate's memory. */
export interface KnownHook extends HookSecrets {
  /** It was asked for a moment ago, so that asking again would tell nothing new. */
  readonly fresh: boolean;
}

interface Address {
  readonly project: string;
  readonly id: string;
}

/** By both: what was exported from one project may be imported into another, ids and all. */
const placeOf = ({ project, id }: Address): string => `${project}/${id}`;

interface Entry {
  /** null: the project has no such hook (any more). */
  readonly hook: Omit<KnownHook, "fresh"> | null;
  readonly at: number;
}

const LIFE_MS = 60_000;
/** So long an answer counts as fresh: a stranger with a leaked URL causes at most one look-up in that time. */
const FRESH_MS = 1_000;
const SIZE = 500;

/**
 * What this isolate has lately asked projects about their hooks, so that a burst of deliveries costs one look-up. It may
 * be out of date: whoever is about to refuse something on its word asks again first.
 */
export class HookCache {
  readonly #entries = new Map<string, Entry>();

  /** With `again`, what is known already is not enough. */
  async find(env: Env, config: Config, hook: Address, again: boolean): Promise<KnownHook | null> {
    const place = placeOf(hook);
    const known = this.#entries.get(place);
    const age = Date.now() - (known?.at ?? -Infinity);
    if (known !== undefined && age < (again ? FRESH_MS : LIFE_MS)) {
      this.#keep(place, known);
      return known.hook && { ...known.hook, fresh: again || age < FRESH_MS };
    }
    const entry = { hook: await ask(env, config, hook), at: Date.now() };
    this.#keep(place, entry);
    return entry.hook && { ...entry.hook, fresh: true };
  }

  /** The hook was changed from here. */
  forget(hook: Address): void {
    this.#entries.delete(placeOf(hook));
  }

  /** Those unused for the longest time go first: a map keeps the order of insertion. */
  #keep(place: string, entry: Entry): void {
    this.#entries.delete(place);
    this.#entries.set(place, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= SIZE) {
        break;
      }
      this.#entries.delete(oldest);
    }
  }
}

async function ask(
  env: Env,
  config: Config,
  { project, id }: Address,
): Promise<Omit<KnownHook, "fresh"> | null> {
  const sealed = await callProject(env, project, (p) => p.hookSecrets(id));
  if (sealed === null) {
    return null;
  }
  const seal = hookSeal(project, id);
  const opened = await Promise.all(sealed.secrets.map((s) => config.keyring.unseal(seal, s)));
  if (opened.every((secret) => secret === null)) {
    console.error({ message: "a hook's secrets can't be unsealed with SIGNALBOX_KEYS", hook: id });
  }
  return { ...sealed, secrets: opened.filter((secret) => secret !== null) };
}

/** One for the isolate. */
export const hookCache = new HookCache();
