import { Refused, type Event, type Signalbox } from "./client.ts";

/** Events as they happen, after a sequence number, until `signal` ends it. To go on later, remember the last sequence. */
export async function* watch(
  signalbox: Signalbox,
  project: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  const { data, error } = await signalbox.GET("/v1/projects/{project}/events", {
    params: { path: { project }, query: { after } },
    headers: { accept: "text/event-stream" },
    parseAs: "stream",
    signal,
  });
  if (error !== undefined) {
    throw new Refused(error);
  }
  let text = "";
  for await (const part of data?.pipeThrough(new TextDecoderStream()) ?? []) {
    const messages = (text + part).split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) {
      const event = eventIn(message);
      if (event !== null) {
        yield event;
      }
    }
  }
}

/** null: a sign of life, or the end of the stream. */
function eventIn(message: string): Event | null {
  const lines = message.split("\n");
  const data = lines.find((line) => line.startsWith("data: "));
  const told = lines.some((line) => line.startsWith("id: "));
  return told && data !== undefined ? (JSON.parse(data.slice(6)) as Event) : null;
}
