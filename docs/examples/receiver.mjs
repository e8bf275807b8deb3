// A subscriber's receiver: takes events on 127.0.0.1:9000 and believes only those that are signed with its secret.
// Usage, in this repository: node docs/examples/receiver.mjs whsec_…
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.argv[2] ?? "");
const seen = new Set();

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  let event;
  try {
    // Over the bytes as they came: parsing and writing them anew would change them.
    event = webhook.verify(Buffer.concat(chunks).toString(), request.headers);
  } catch (error) {
    console.error(`refused: ${error.message}`);
    response.writeHead(401).end();
    return;
  }
  // Told at least once: a repeat has the id of the first.
  if (!seen.has(event.id)) {
    seen.add(event.id);
    const { deploy } = event.data;
    console.log(event.sequence, event.type, deploy ? `#${deploy.number} ${deploy.status}` : "");
  }
  response.writeHead(204).end();
}).listen(9000, "127.0.0.1", () => console.log("listening on http://127.0.0.1:9000"));
