import { DurableObject } from "cloudflare:workers";

/** Cloudflare takes rows up to 2 MB. */
const ROW_BYTES = 1_900_000;

/** The least that stores a body durably as it streams in and then sends it on: what Signalbox's uploads are held against. */
export default {
  async fetch(request, env) {
    const [, project = ""] = new URL(request.url).pathname.split("/");
    if (request.method !== "POST") {
      return new Response("ready");
    }
    const object = env.PROJECT.getByName(project);
    const type = request.headers.get("content-type") ?? "";
    return new Response(null, { status: await object.take(project, type, request.body) });
  },
};

export class Project extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS rows (n INTEGER PRIMARY KEY, data BLOB NOT NULL)");
  }

  async take(project, type, body) {
    const bytes = await this.store(body);
    const answer = await fetch(
      `${this.env.CLOUDFLARE_API_BASE_URL}/accounts/${this.env.CLOUDFLARE_ACCOUNT_ID}/pages/projects/${project}/deployments`,
      {
        method: "POST",
        headers: {
          authorization: `Bearer ${this.env.CLOUDFLARE_API_TOKEN}`,
          "content-type": type,
        },
        body: this.rows().pipeThrough(new FixedLengthStream(bytes)),
      },
    );
    await answer.text();
    return answer.status;
  }

  async store(body) {
    const row = new Uint8Array(ROW_BYTES);
    let held = 0;
    let bytes = 0;
    const flush = () => {
      this.sql.exec("INSERT INTO rows (data) VALUES (?)", row.slice(0, held).buffer);
      held = 0;
    };
    for await (let chunk of body) {
      bytes += chunk.length;
      while (chunk.length > 0) {
        const part = chunk.subarray(0, ROW_BYTES - held);
        row.set(part, held);
        held += part.length;
        chunk = chunk.subarray(part.length);
        if (held === ROW_BYTES) {
          flush();
        }
      }
    }
    if (held > 0) {
      flush();
    }
    return bytes;
  }

  rows() {
    let n = 0;
    return new ReadableStream({
      pull: (controller) => {
        n += 1;
        const [row] = this.sql.exec("SELECT data FROM rows WHERE n = ?", n);
        if (row === undefined) {
          controller.close();
        } else {
          controller.enqueue(new Uint8Array(row.data));
        }
      },
    });
  }
}

/** The configuration of the runtime names it. */
export class Instance extends DurableObject {}
