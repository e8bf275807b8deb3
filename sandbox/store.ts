import type { Store } from "./types.ts";

/** A store that lives as long as its process. */
export function memoryStore(): Store {
  const collections = new Map<string, Map<string, string | Uint8Array>>();
  const collection = (name: string): Map<string, string | Uint8Array> => {
    const found = collections.get(name) ?? new Map<string, string | Uint8Array>();
    collections.set(name, found);
    return found;
  };
  let undo: Array<() => void> | undefined;

  const write = (name: string, key: string, value: string | Uint8Array | undefined): void => {
    const items = collection(name);
    const before = items.get(key);
    undo?.push(() => void (before === undefined ? items.delete(key) : items.set(key, before)));
    if (value === undefined) {
      items.delete(key);
    } else {
      items.set(key, value);
    }
  };

  return {
    get(name, key) {
      const value = collection(name).get(key);
      return value === undefined ? undefined : decode(value);
    },
    put: (name, key, value) => write(name, key, encode(value)),
    delete: (name, key) => write(name, key, undefined),
    list(name, prefix = "") {
      return [...collection(name)]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => [key, decode(value)]);
    },
    clear: () => collections.clear(),
    transaction(run) {
      if (undo) {
        return run();
      }
      undo = [];
      try {
        return run();
      } catch (error) {
        for (const step of undo.toReversed()) {
          step();
        }
        throw error;
      } finally {
        undo = undefined;
      }
    },
  };
}

/** JSON as text, bytes as they are: what every store keeps. */
export function encode(value: unknown): string | Uint8Array {
  return value instanceof Uint8Array ? value : JSON.stringify(value);
}

export function decode(value: string | Uint8Array): unknown {
  return typeof value === "string" ? JSON.parse(value) : value;
}
