import { DatabaseSync } from "node:sqlite";
import type { HookAnswer } from "../../scripts/demo/push.ts";
import { fillHistory } from "../../test/e2e/support/history.ts";
import { fileOf } from "../../test/e2e/support/objects.ts";
import { sendAll } from "./load.ts";
import { githubHook, signedPush } from "./pushes.ts";
import type { Hook } from "./pushes.ts";
import { startSignalbox } from "./sides.ts";
import type { SignalboxSide } from "./sides.ts";

const DAY_MS = 86_400_000;
/** Deploys older than that are swept, of triggers and events those of the last 30 days are kept. */
const DEPLOYS_KEPT_DAYS = 400;
const LOG_KEPT_DAYS = 30;

/** A project that has come to so many deploys, the last of them by a push: all that is kept of them, written straight into its file. */
export async function startWithHistory(
  deploys: number,
): Promise<{ readonly side: SignalboxSide; readonly hook: Hook }> {
  let hook: Hook = { url: "", secret: "" };
  const side = await startSignalbox(
    async ({ signalbox, pages }) => {
      await pages.speed({ factor: 0.02 });
      hook = await githubHook(signalbox, "blog");
      const messages = [await signedPush(hook.secret, "main")];
      const [answer] = await sendAll({ url: hook.url, connections: 1, status: 202, messages });
      const { results } = JSON.parse(answer?.text ?? "") as HookAnswer;
      await signalbox.ended("blog", results[0]?.deploy_id ?? "");
    },
    (dir) => {
      const everyMs = Math.min(37 * 60_000, (DEPLOYS_KEPT_DAYS * DAY_MS * 0.99) / deploys);
      fillHistory(dir, "blog", deploys - 1, { everyMs });
      fillLog(dir, "blog");
    },
  );
  return { side, hook };
}

/** Gives each of the last deploys a trigger and events like those of the newest one. */
function fillLog(dir: string, project: string): void {
  const database = new DatabaseSync(fileOf(dir, project));
  const all = (query: string, ...values: (string | number)[]) =>
    database.prepare(query).all(...values) as Record<string, string | number | null>[];
  const into = (table: string, row: object): void => {
    const columns = Object.keys(row);
    const places = columns.map(() => "?").join();
    database
      .prepare(`INSERT INTO ${table} (${columns.join()}) VALUES (${places})`)
      .run(...(Object.values(row) as (string | number | null)[]));
  };
  try {
    database.exec("BEGIN");
    const [newest, ...others] = all(
      `SELECT id, trigger_id, created_at FROM deploys
       WHERE created_at > (SELECT MAX(created_at) FROM deploys) - ? ORDER BY number DESC`,
      LOG_KEPT_DAYS * DAY_MS,
    );
    const id = String(newest?.["id"]);
    const from = Number(newest?.["created_at"]);
    const [trigger] = all("SELECT * FROM triggers WHERE deploy_id = ?", id);
    const events = all("SELECT * FROM events WHERE deploy_id = ? ORDER BY sequence", id);
    // What there is becomes the newest, which nothing has been told of yet: by way of negative ones, as they are unique.
    const count = others.length * events.length;
    database.exec(`UPDATE events SET sequence = -(sequence + ${count})`);
    database.exec("UPDATE events SET sequence = -sequence");
    database.exec(`UPDATE sqlite_sequence SET seq = seq + ${count} WHERE name = 'events'`);
    let sequence = 0;
    for (const deploy of others.toReversed()) {
      const serial = String(deploy["id"]).slice("dpl_".length);
      const at = Number(deploy["created_at"]);
      into("triggers", {
        ...trigger,
        id: deploy["trigger_id"],
        dedupe_key: `${trigger?.["hook_id"]}/${serial}/main`,
        delivery_id: serial,
        deploy_id: deploy["id"],
        at,
      });
      for (const event of events) {
        sequence += 1;
        into("events", {
          ...event,
          sequence,
          id: `evt_01ARZ3NDEKTSV4RRGG${sequence.toString().padStart(8, "0")}`,
          at: at + Number(event["at"]) - from,
          deploy_id: deploy["id"],
          data: String(event["data"]).replaceAll(id, String(deploy["id"])),
        });
      }
    }
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}
