import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { verify } from "@octokit/webhooks-methods";

/** What a service of one's own might be: one process of Node that verifies a push and remembers it until it ends. */
const { SECRET = "", PORT } = process.env;
const pushes = new Map<string, { ref: string; after: string }>();

createServer((request, response) => {
  void (async () => {
    const body = await text(request);
    const signature = String(request.headers["x-hub-signature-256"]);
    if (request.method !== "POST" || !(await verify(SECRET, body, signature))) {
      response.writeHead(request.method === "POST" ? 401 : 200).end();
      return;
    }
    const { ref, after } = JSON.parse(body) as { ref: string; after: string };
    const id = randomUUID();
    pushes.set(id, { ref, after });
    response.writeHead(202, { "content-type": "application/json" }).end(JSON.stringify({ id }));
  })();
}).listen(Number(PORT), "127.0.0.1");
