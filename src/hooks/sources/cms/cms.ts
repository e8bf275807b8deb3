import type { Reason } from "../../../project/reasons.ts";
import { at, jsonIn, readField, type Delivery, type Field } from "../../delivery.ts";
import { formHint } from "../modes.ts";
import {
  branchOf,
  Branch,
  deliveryId,
  ignored,
  malformed,
  ping,
  readObject,
  testSend,
} from "../reading.ts";
import type { Reading, Source } from "../source.ts";

/** Where a sender says something: in the headers, or at a JSON pointer in its body. */
export type Place = Field | { readonly pointer: string };

/** A CMS as data: most differ in no more than where things stand. */
export interface Cms extends Pick<
  Source,
  "name" | "title" | "modes" | "events" | "status" | "handshake" | "isPing"
> {
  /** What happened. A function where it takes more than a look at one place. */
  readonly event: Place | ((json: unknown) => string | null);
  /** Tells deliveries apart. A signature over time and body does; only the start of it is kept. */
  readonly deliveryId?: Place | { readonly signature: Field };
  readonly actor?: Place;
  /** For the few that know of branches. */
  readonly branch?: { readonly pointer: string };
  readonly paths?: { readonly pointer: string };
  /** Events that are sent to try the webhook out. */
  readonly tests?: readonly string[];
  /** Why this changes nothing that is published; `null` when it does. */
  readonly draft?: (delivery: Delivery, json: unknown) => Reason | null;
  /** The body is what the user made it: any JSON at all, or none where nothing is read of it. */
  readonly freeBody?: true;
}

const MAX_SHOWN = 128;
const SIGNATURE_KEPT = 32;

export function cms(row: Cms): Source {
  const { name, title, modes, events, status, handshake, isPing } = row;
  return {
    name,
    title,
    kind: "cms",
    modes,
    events,
    branchFrom: row.branch === undefined ? "the hook" : row.branch.pointer.slice(1),
    ...(status !== undefined && { status }),
    ...(handshake !== undefined && { handshake }),
    ...(isPing !== undefined && { isPing }),
    read: (delivery) => read(row, delivery),
  };
}

export const draft = (what: string): Reason => ({
  code: "draft",
  text: `${what}, so nothing that is published has changed.`,
});

function read(row: Cms, delivery: Delivery): Reading {
  if (row.isPing?.(delivery) === true) {
    return ignored(ping(row.title), null);
  }
  let json: unknown;
  if (row.freeBody) {
    json = jsonIn(delivery.body);
  } else {
    const body = readObject(delivery, formHint(row.title));
    if (!body.ok) {
      return body.reading;
    }
    json = body.json;
  }
  const textAt = (place: Place | undefined): string | null => {
    const value =
      place === undefined
        ? null
        : "pointer" in place
          ? at(json, place.pointer)
          : readField(delivery.headers, place);
    return typeof value === "string" && value !== ""
      ? value.slice(0, MAX_SHOWN).toWellFormed()
      : null;
  };
  const event = typeof row.event === "function" ? row.event(json) : textAt(row.event);
  const id = idOf(row, textAt);
  if (event === null && !row.freeBody) {
    return malformed(`This is not what ${row.title} sends: it does not say what happened.`);
  }
  if (event !== null && row.tests?.includes(event) === true) {
    return ignored(testSend(row.title), id);
  }
  const why = row.draft?.(delivery, json) ?? null;
  if (why !== null) {
    return ignored(why, id);
  }
  const branch = row.branch === undefined ? null : readBranch(at(json, row.branch.pointer));
  if (branch === undefined) {
    return malformed(`${row.branch?.pointer.slice(1) ?? ""} is not the name of a branch.`);
  }
  return {
    kind: "triggers",
    event,
    repository: null,
    triggers: [
      {
        branch,
        commit_hash: null,
        commit_message: event === null ? row.title : `${row.title}: ${event}`,
        actor: textAt(row.actor),
        paths: row.paths === undefined ? null : readPaths(at(json, row.paths.pointer)),
      },
    ],
    passed_over: [],
    delivery_id: id,
  };
}

function idOf(row: Cms, textAt: (place: Place) => string | null): string | null {
  const place = row.deliveryId;
  if (place === undefined) {
    return null;
  }
  return "signature" in place
    ? deliveryId(textAt(place.signature)?.slice(0, SIGNATURE_KEPT))
    : deliveryId(textAt(place));
}

/** `null`: none was said. `undefined`: what was said is no branch. */
export function readBranch(value: unknown): string | null | undefined {
  if (value === undefined || value === null || value === "") {
    return null;
  }
  const name = typeof value === "string" ? (branchOf(value) ?? value) : value;
  const read = Branch.safeParse(name);
  return read.success ? read.data : undefined;
}

function readPaths(value: unknown): string[] | null {
  return Array.isArray(value) && value.length > 0 && value.every((path) => typeof path === "string")
    ? value
    : null;
}
