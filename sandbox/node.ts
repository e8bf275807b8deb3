/** The sandbox as a server: `node sandbox/node.ts --port 8788 --dir .local/sandbox`. */
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { getRequestListener } from "@hono/node-server";
import { createSandbox } from "./app.ts";
import { decode, encode, memoryStore } from "./store.ts";
import type { AddressInfo } from "node:net";
import type { HttpBindings } from "@hono/node-server";
import type { Sandbox, SandboxOptions, Store } from "./types.ts";

export interface RunningSandbox {
  url: string;
  port: number;
  sandbox: Sandbox;
  close(): Promise<void>;
}

/** Serves a sandbox on 127.0.0.1. With `dir` its state is kept there and outlives the process, SIGKILL included. */
export async function startSandbox(
  options: SandboxOptions & { port?: number; dir?: string } = {},
): Promise<RunningSandbox> {
  const { port = 0, dir, ...rest } = options;
  const opened = dir === undefined ? null : sqliteStore(dir);
  const sandbox = createSandbox({
    drop: async ({ env }) => {
      (env as HttpBindings).incoming.socket.destroy();
      return new Response(null);
    },
    hang: ({ env }) => untilClosed(env as HttpBindings),
    ...rest,
    store: rest.store ?? opened?.store ?? memoryStore(),
  });
  const listener = getRequestListener((request, env) => sandbox.fetch(request, env), {
    overrideGlobalObjects: false,
  });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  // Clients keep connections for reuse; the default of 5 s would cut some just as they are picked up again.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    sandbox,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      opened?.close();
    },
  };
}

async function untilClosed({ outgoing }: HttpBindings): Promise<Response> {
  await new Promise<void>((resolve) => {
    if (outgoing.destroyed) {
      resolve();
    }
    outgoing.once("close", resolve);
  });
  return new Response(null);
}

/** One table. Every write is on its way to the disk when it returns, so that a killed process loses nothing. */
function sqliteStore(dir: string): { store: Store; close(): void } {
  mkdirSync(dir, { recursive: true });
  const db = new DatabaseSync(join(dir, "sandbox.sqlite"));
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS items (
      collection TEXT NOT NULL,
      key TEXT NOT NULL,
      value ANY NOT NULL,
      UNIQUE (collection, key)
    ) STRICT;
  `);
  const get = db.prepare("SELECT value FROM items WHERE collection = ? AND key = ?");
  const put = db.prepare(
    "INSERT INTO items (collection, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  const remove = db.prepare("DELETE FROM items WHERE collection = ? AND key = ?");
  const list = db.prepare(
    "SELECT key, value FROM items WHERE collection = ? AND key >= ? AND key < ? ORDER BY key",
  );
  const read = (value: unknown): unknown => decode(value as string | Uint8Array);
  let depth = 0;
  const store: Store = {
    get(collection, key) {
      const row = get.get(collection, key);
      return row && read(row["value"]);
    },
    put: (collection, key, value) => void put.run(collection, key, encode(value)),
    delete: (collection, key) => void remove.run(collection, key),
    list: (collection, prefix = "") =>
      list
        .all(collection, prefix, `${prefix}\u{10ffff}`)
        .map((row) => [String(row["key"]), read(row["value"])]),
    clear: () => db.exec("DELETE FROM items"),
    transaction(run) {
      if (depth > 0) {
        return run();
      }
      db.exec("BEGIN IMMEDIATE");
      depth += 1;
      try {
        const result = run();
        db.exec("COMMIT");
        return result;
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      } finally {
        depth -= 1;
      }
    },
  };
  return { store, close: () => db.close() };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8788" },
      dir: { type: "string", default: ".local/sandbox" },
    },
  });
  const running = await startSandbox({ port: Number(values.port), dir: values.dir });
  const stop = (): void => {
    void running.close().then(() => process.exit(0));
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  console.log(`Pages API sandbox: ${running.url}/client/v4 (state in ${values.dir})`);
}

if (import.meta.main) {
  await main();
}
