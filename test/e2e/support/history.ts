import { DatabaseSync } from "node:sqlite";
import { fileOf } from "./objects.ts";

/** What the stages of a build last at a scale of 1. */
const STAGES = [
  ["queued", 1_200],
  ["initialize", 2_400],
  ["clone_repo", 3_100],
  ["build", 71_000],
  ["deploy", 8_300],
] as const;

/**
 * Gives a project so many more deploys that all succeeded, written straight into its file while nothing runs on it. They
 * are like its newest one, which has to be there, and older than it. `scale` is of how long their stages take.
 */
export function fillHistory(
  dir: string,
  project: string,
  count: number,
  { scale = 1, everyMs = 37 * 60_000 } = {},
): void {
  const database = new DatabaseSync(fileOf(dir, project));
  try {
    database.exec("BEGIN");
    const newest = database.prepare("SELECT * FROM deploys ORDER BY number DESC LIMIT 1").get();
    if (newest === undefined) {
      throw new Error(`${project} has no deploy that others could be like.`);
    }
    const last = Number(newest["number"]) + count;
    const end = Number(newest["created_at"]);
    // What was first is newest now, and keeps what is known of it by its id.
    database.prepare("UPDATE deploys SET number = ? WHERE id = ?").run(last, newest["id"] ?? null);
    database.prepare("UPDATE project SET next_number = ?").run(last + 1);
    database.prepare("UPDATE marks SET number = ? WHERE target = 'production'").run(last);
    const columns = Object.keys(newest);
    const insert = database.prepare(
      `INSERT INTO deploys (${columns.join()}) VALUES (${columns.map(() => "?").join()})`,
    );
    for (let number = Number(newest["number"]); number < last; number++) {
      const row = { ...newest, ...madeUp(number, end - (last - number) * everyMs, scale) };
      insert.run(...Object.values(row));
    }
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}

function madeUp(number: number, created: number, scale: number) {
  const started = created + 400;
  let at = started + 300;
  const stages = STAGES.map(([name, usual]) => {
    // Up to a quarter more or less, the same in every run.
    const ms = Math.round(usual * scale * (0.75 + ((number * 37) % 50) / 100));
    const from = at;
    at += ms;
    return { name, status: "success", started_on: iso(from), ended_on: iso(at) };
  });
  const serial = number.toString().padStart(8, "0");
  return {
    id: `dpl_01ARZ3NDEKTSV4RR${"F".repeat(2)}${serial}`,
    number,
    trigger_id: `trg_01ARZ3NDEKTSV4RR${"F".repeat(2)}${serial}`,
    delivery_id: null,
    commit_hash: (number * 2_654_435_761).toString(16).padEnd(40, "a"),
    commit_message: MESSAGES[number % MESSAGES.length] ?? "",
    created_at: created,
    started_at: started,
    posted_at: started,
    stage_since: at,
    ended_at: at,
    deployment_id: `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`,
    stages: JSON.stringify(stages),
  };
}

const MESSAGES = [
  "Show the delivery date in the basket",
  "Fix the rounding of totals",
  "Bump the image pipeline",
  "Write what changed in October",
  "Let people sort by price",
];

const iso = (at: number): string => new Date(at).toISOString();
