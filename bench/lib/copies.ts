import { createHash, createHmac } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileOf, objectFiles } from "../../test/e2e/support/objects.ts";

/**
 * Registers more projects, each as one that there is but without its hooks, by copies of its file while nothing runs on it:
 * through the API each would wait for a call of Cloudflare's, at 3.85 a second.
 */
export function copyProject(dir: string, project: string, names: readonly string[]): void {
  const file = fileOf(dir, project);
  const [instance = ""] = objectFiles(dir, "Instance");
  within(file, (original) => {
    const [row] = original.prepare("SELECT key, account_id FROM project").all();
    const account = String(row?.["account_id"]);
    if (basename(file) !== fileName(String(row?.["key"]))) {
      throw new Error("The runtime names the files of objects in another way than this bench.");
    }
    for (const name of names) {
      const key = `${account}/${name}`;
      const copy = join(dirname(file), fileName(key));
      original.prepare("VACUUM INTO ?").run(copy);
      within(copy, (database) => {
        database.prepare("UPDATE project SET key = ?, name = ?").run(key, name);
        database.exec("DELETE FROM hooks");
      });
      within(instance, (database) =>
        database
          .prepare(
            `INSERT INTO projects (key, name, account_id, registered_at)
             SELECT ?, ?, account_id, registered_at FROM projects WHERE name = ?`,
          )
          .run(key, name, project),
      );
    }
  });
}

/** As the runtime makes an object's id of its name: a MAC of that, and a MAC of the MAC. */
function fileName(key: string): string {
  const secret = createHash("sha256").update("Project").digest();
  const mac = (data: string | Buffer): Buffer =>
    createHmac("sha256", secret).update(data).digest().subarray(0, 16);
  const base = mac(key);
  return `${Buffer.concat([base, mac(base)]).toString("hex")}.sqlite`;
}

function within(file: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(file);
  try {
    work(database);
  } finally {
    database.close();
  }
}
