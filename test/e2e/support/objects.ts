import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The Durable Objects' files: what is really stored, whatever the API says. */

export type Row = Readonly<Record<string, unknown>>;

/** The database files of all objects of a class. */
export function objectFiles(dir: string, className: "Project" | "Instance"): string[] {
  const folder = join(dir, "signalbox/objects", className);
  return readdirSync(folder)
    .filter((name) => /^[0-9a-f]+\.sqlite$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** Asks the object of a project, without its knowing. */
export function rowsOf(dir: string, project: string, query: string): Row[] {
  return read(fileOf(dir, project), (database) => database.prepare(query).all());
}

/** Sets a column of a project's table while nothing runs on it: how time passes without anybody waiting. */
export function setColumn(
  dir: string,
  project: string,
  { table, column, value }: { table: string; column: string; value: number },
): void {
  const database = new DatabaseSync(fileOf(dir, project));
  try {
    database.exec(`UPDATE ${table} SET ${column} = ${value}`);
  } finally {
    database.close();
  }
}

/** How many rows each table of each object has, by file and table. */
export function rowCounts(dir: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const file of [...objectFiles(dir, "Project"), ...objectFiles(dir, "Instance")]) {
    read(file, (database) => {
      const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
      for (const { name } of tables) {
        const [row] = database.prepare(`SELECT COUNT(*) AS n FROM "${String(name)}"`).all();
        counts[`${file.slice(-16)} ${String(name)}`] = Number(row?.["n"]);
      }
    });
  }
  return counts;
}

/** Every byte that is stored, log and leftovers of deleted rows included. */
export function storedBytes(dir: string): Buffer {
  const folder = join(dir, "signalbox/objects");
  return Buffer.concat(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name))),
  );
}

export function fileOf(dir: string, project: string): string {
  const query = "SELECT name FROM project";
  const found = objectFiles(dir, "Project").find((file) =>
    read(file, (database) => database.prepare(query).all()[0]?.["name"] === project),
  );
  if (found === undefined) {
    throw new Error(`No object belongs to a project ${project}.`);
  }
  return found;
}

function read<T>(file: string, look: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 2000 });
  try {
    return look(database);
  } finally {
    database.close();
  }
}
