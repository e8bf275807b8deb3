// A subscriber's receiver: takes events on 127.0.0.1:9000 and believes only those that are signed with its secret.
// Usage, in this repository: node docs/examples/receiver.mjs whsec_…
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.argv[2] ?? "");
const seen = new Set();

createServer((request, response) => {
  receive(request).then(
    (status) => response.writeHead(status).end(),
    (error) => {
      // Anything but a 2xx has the event told again.
      console.error(error);
      response.writeHead(500).end();
    },
  );
}).listen(9000, "127.0.0.1", () => console.log("listening on http://127.0.0.1:9000"));

async function receive(request) {
  const body = await buffer(request);
  let event;
  try {
    // Over the bytes as they came: parsing and writing them anew would change them.
    event = webhook.verify(body.toString(), request.headers);
  } catch (error) {
    console.error(`refused: ${error.message}`);
    return 401;
  }
  // Told at least once: a repeat has the id of the first.
  if (!seen.has(event.id)) {
    seen.add(event.id);
    const { deploy } = event.data;
    console.log(event.sequence, event.type, deploy ? `#${deploy.number} ${deploy.status}` : "");
  }
  return 204;
}
