import type { Delivery, Field } from "../../../../src/hooks/delivery.ts";
import type { HmacScheme, Scheme } from "../../../../src/hooks/verify/scheme.ts";
import { utf8 } from "../../../../src/security/encoding.ts";
import { base64 } from "../../../support/senders/sender.ts";
import { editBytes, editText, VISIBLE, type Edit, type Letters } from "./mutate.ts";
import { getField, must, prefixOf, proofField, withBody, withField } from "./support.ts";

/**
 * Changes to signed deliveries, each of which changes what is signed, its proof, or the secret. Those that would leave the
 * meaning as it is (hex in upper case, pairs in another order, one more header) can't come out of here.
 */

/** What a verifier is given. */
export interface Attempt {
  readonly scheme: Scheme;
  readonly secret: string;
  readonly delivery: Delivery;
}

export type Mutation = (attempt: Attempt, edit: Edit) => Attempt;

/** All that is worth a try against a scheme; a place may be there more than once. */
export function mutationsOf(scheme: Scheme): readonly Mutation[] {
  const proof = proofField(scheme);
  switch (scheme.kind) {
    case "hmac":
      return [
        body,
        body,
        secret,
        ...ofProof(scheme.signature, scheme.prefix, scheme.encoding === "hex"),
        ...Object.values(scheme.fields).flatMap((field) => [
          ...ofField(field),
          swapped(field, scheme.signature),
        ]),
        ...shifts(scheme),
      ];
    case "standard": {
      const [prefix] = scheme.prefixes;
      const [id, timestamp] = [{ header: `${prefix}id` }, { header: `${prefix}timestamp` }];
      return [
        body,
        body,
        secret,
        ...ofProof(must(proof), "v1,", false),
        ...ofField(id),
        ...ofField(timestamp),
        swapped(id, timestamp),
      ];
    }
    case "contentful":
      return [
        body,
        body,
        secret,
        ...ofProof(must(proof), "", true),
        ...CONTENTFUL.flatMap(ofField),
        swapped({ header: "content-type" }, { header: "x-contentful-topic" }),
        onDelivery((delivery, edit) => ({ ...delivery, method: oneOf(METHODS, edit) })),
        onDelivery((delivery, edit) => ({
          ...delivery,
          path: `/${editText(delivery.path.slice(1), edit, { alphabet: PATH })}`,
        })),
        onDelivery((delivery, edit) => ({
          ...delivery,
          search: `?${editText("a", edit, { alphabet: PATH })}=1`,
        })),
      ];
    case "header":
      return [secret, ...ofProof(must(proof), scheme.prefix, false, true)];
    case "basic":
      return [
        secret,
        ...ofProof(must(proof), prefixOf(scheme), false, true),
        // The pair itself, and written as base64 anew.
        inField(must(proof), (value, edit) => {
          const pair = new TextDecoder().decode(
            Uint8Array.from(atob(value.slice(6)), (char) => char.charCodeAt(0)),
          );
          return `Basic ${base64(editText(pair, edit))}`;
        }),
        (attempt, edit) => ({
          ...attempt,
          scheme: { kind: "basic", username: editText(scheme.username, edit) },
        }),
      ];
    case "body":
      return [secret, ...inBody];
    case "url":
      return [];
  }
}

const METHODS = ["GET", "PUT", "PATCH", "DELETE", "post", "POST "] as const;
const PATH = Array.from("abcxyzABCXYZ0189-_.~!$'()*;:@");
const CONTENTFUL = [
  "content-type",
  "x-contentful-topic",
  "x-contentful-webhook-name",
  "x-contentful-timestamp",
  "x-contentful-signed-headers",
].map((header): Field => ({ header }));

const oneOf = <T>(all: readonly T[], { what }: Edit): T => all[what % all.length] as T;

const onDelivery =
  (change: (delivery: Delivery, edit: Edit) => Delivery): Mutation =>
  (attempt, edit) => ({ ...attempt, delivery: change(attempt.delivery, edit) });

const inField = (field: Field, change: (value: string, edit: Edit) => string | null): Mutation =>
  onDelivery((delivery, edit) =>
    withField(delivery, field, change(getField(delivery.headers, field), edit)),
  );

const gone = (field: Field): Mutation => inField(field, () => null);
const twice = (field: Field): Mutation =>
  inField(field, (value) => `${value}, ${"pair" in field ? `${field.pair}=` : ""}${value}`);
const overlong = (field: Field): Mutation =>
  inField(field, (value, { size }) => value.padEnd(2_049 + size, "a"));

function ofField(field: Field): Mutation[] {
  const edited = inField(field, (value, edit) => editText(value, edit));
  return [edited, edited, edited, gone(field), twice(field)];
}

/** Prefix and digest (or secret) apart, since it is one of them alone that may have a letter case which says nothing. */
function ofProof(field: Field, prefix: string, hex: boolean, isWord = false): Mutation[] {
  const part = (which: "prefix" | "digest", letters: Letters): Mutation =>
    inField(field, (value, edit) => {
      const length = value.startsWith("v1a,") ? 4 : prefix.length;
      const [before, after] = [value.slice(0, length), value.slice(length)];
      return which === "prefix"
        ? editText(before, edit, letters) + after
        : before + editText(after, edit, letters);
    });
  const likely = Array.from(hex ? HEX : BASE64);
  return [
    part("digest", { foldsCase: hex, alphabet: likely }),
    part("digest", { foldsCase: hex, alphabet: likely }),
    part("digest", { foldsCase: hex }),
    ...(prefix === "" ? [] : [part("prefix", { foldsCase: isWord })]),
    ...("pair" in field ? [renamed(field)] : []),
    gone(field),
    twice(field),
    overlong(field),
  ];
}

const HEX = "0123456789abcdef";
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_";

const renamed = ({ header, pair }: { header: string; pair: string }): Mutation =>
  onDelivery((delivery, edit) => {
    const value = getField(delivery.headers, { header, pair });
    const rest = must(withField(delivery, { header, pair }, null).headers.get(header));
    return withField(delivery, { header }, `${rest}, ${editText(pair, edit)}=${value}`);
  });

const swapped = (one: Field, other: Field): Mutation =>
  onDelivery((delivery) => {
    const [a, b] = [getField(delivery.headers, one), getField(delivery.headers, other)];
    return withField(withField(delivery, one, b), other, a);
  });

const body: Mutation = onDelivery((delivery, edit) =>
  withBody(delivery, editBytes(delivery.body, edit)),
);

/** Zeros at the end of an HMAC's key change nothing, so none come in, as 0 in hex or A in base64. */
const KEY = VISIBLE.filter((char) => char !== "0" && char !== "A");
const secret: Mutation = (attempt, edit) => {
  const { scheme } = attempt;
  const foldsCase = scheme.kind === "hmac" && scheme.key === "hex";
  return { ...attempt, secret: editText(attempt.secret, edit, { alphabet: KEY, foldsCase }) };
};

/** Moves digits over the border of body and time stamp: what is signed may stay the same, but not the time. */
function shifts({ fields }: HmacScheme): Mutation[] {
  const field = fields["timestamp"];
  if (field === undefined) {
    return [];
  }
  const shift = (move: (time: string, text: string, n: number) => [string, string]): Mutation =>
    onDelivery((delivery, { size }) => {
      const time = getField(delivery.headers, field);
      const text = new TextDecoder().decode(delivery.body);
      const [newTime, newText] = move(time, text, 1 + (size % 4));
      return withBody(withField(delivery, field, newTime), newText);
    });
  return [
    shift((time, text, n) => [time.slice(n), text + time.slice(0, n)]),
    shift((time, text, n) => [time.slice(0, -n), time.slice(-n) + text]),
    shift((time, text, n) => [text.slice(-n) + time, text.slice(0, -n)]),
    shift((time, text, n) => [time + text.slice(0, n), text.slice(n)]),
  ];
}

/** Where the secret is in the JSON `{…,"secret":"…"}`, and what can be wrong with it there. */
const jsonOf = ({ body: bytes }: Delivery): { secret: string } & Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(bytes)) as { secret: string };
const rewritten = (
  change: (json: Record<string, unknown>, secret: string, edit: Edit) => unknown,
): Mutation =>
  onDelivery((delivery, edit) => {
    const { secret: text, ...rest } = jsonOf(delivery);
    return withBody(delivery, JSON.stringify(change(rest, text, edit)));
  });
const inBody: readonly Mutation[] = [
  rewritten((rest, text, edit) => ({ ...rest, secret: editText(text, edit) })),
  rewritten((rest, text, edit) => ({ ...rest, secret: editText(text, edit) })),
  rewritten((rest, text, edit) => ({ ...rest, [editText("secret", edit)]: text })),
  rewritten((rest, text, edit) => ({
    ...rest,
    secret: oneOf([null, 7, true, [text], { secret: text }, "", [[]]], edit),
  })),
  rewritten((rest, text) => ({ ...rest, data: { secret: text } })),
  rewritten((rest, text) => [rest, text]),
  // The bytes of the value as they stand there, quotes left out.
  onDelivery((delivery, edit) => {
    const value = JSON.stringify(jsonOf(delivery).secret).slice(1, -1);
    const text = new TextDecoder().decode(delivery.body);
    return withBody(
      delivery,
      text.replace(value, () => editText(value, edit)),
    );
  }),
  onDelivery((delivery, { at }) =>
    withBody(delivery, delivery.body.slice(0, at % delivery.body.length)),
  ),
  // One byte that is never UTF-8.
  onDelivery((delivery, { at }) => {
    const all = Array.from(delivery.body);
    all.splice(at % (all.length + 1), 0, 0xff);
    return withBody(delivery, new Uint8Array(all));
  }),
  onDelivery((delivery) => withBody(delivery, utf8(""))),
];
