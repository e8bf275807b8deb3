import { err, ok, type Result } from "../result.ts";
import { KINDS } from "../notify/kinds.ts";
import type { Context } from "./context.ts";
import { emit } from "./events.ts";
import type { Refusal } from "./refusal.ts";
import { exampleOf } from "./examples.ts";
import { EventType, type Deploy, type Event } from "./shapes.ts";
import { subscriberRow } from "./subscribers.ts";

/** Sends a numbered test event on its way to this subscriber alone. The log has it as what it is, a `test.ping`. */
export function sendTest(
  context: Context,
  id: string,
  type: EventType,
): Result<{ type: EventType }, Refusal> | null {
  return context.change(() => {
    const row = subscriberRow(context, id);
    if (row === null) {
      return null;
    }
    const data = {
      subscriber_id: id,
      test: true as const,
      message: "A test event: if you can read this and its signature is right, you are set up.",
      ...(type !== "test.ping" && { example: type }),
    };
    const event = {
      id: "",
      type: "test.ping",
      timestamp: "",
      project: "",
      sequence: 0,
      data,
    } as const;
    if (!KINDS[row.kind].tells(asTold(event))) {
      const detail = `${row.kind} is sent no message about ${type}. Ask for another type.`;
      return err({ code: "conflict", detail });
    }
    emit(context, "test.ping", data);
    return ok({ type });
  });
}

/** An event as its subscribers are told it: a test of another type has that type and an example's data. */
export function asTold(event: Event): Event {
  const example = EventType.safeParse(event.data["example"]);
  if (event.type !== "test.ping" || !example.success) {
    return event;
  }
  const { subscriber_id, test, message } = event.data;
  const shown: Record<string, unknown> = exampleOf(example.data);
  const deploy = shown["deploy"] as Deploy | undefined;
  const data = {
    ...shown,
    ...(deploy !== undefined && { deploy: { ...deploy, project: event.project } }),
    subscriber_id,
    test,
    message,
  };
  return { ...event, type: example.data, data } as Event;
}
