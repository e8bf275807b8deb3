import * as fc from "fast-check";

/** Texts that were somebody's downfall. */
export const HOSTILE_TEXTS: readonly string[] = [
  "",
  " ",
  "\u0000",
  "a\r\nx-injected: 1",
  "\ud800",
  "\u202egpj.exe",
  "e\u0301".repeat(40),
  "__proto__",
  "constructor",
  "toString",
  "../../etc/passwd",
  "..%2f..%2f",
  "%00",
  "%",
  "'; DROP TABLE deploys; --",
  "<script>alert(1)</script>",
  "${jndi:ldap://x}",
  "*".repeat(200),
  "(".repeat(500),
  "http://127.0.0.1/",
  "http://[::ffff:7f00:1]/",
  "javascript:alert(1)",
  "9007199254740993",
  "-1",
  "1e400",
  "NaN",
  "0x10",
  "2026-13-45T99:99:99Z",
  "+275760-09-13T00:00:00.001Z",
  "x".repeat(70_000),
];

/** Where some other type was thought of. */
export const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  0.5,
  2 ** 31,
  2 ** 53,
  1e308,
  [],
  {},
  [[]],
  [null],
  { length: -1 },
  { toString: null },
  { $ref: "#" },
];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.string({ unit: "binary", maxLength: 300 }),
);

const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...HOSTILE_VALUES),
  hostileText,
  fc.integer({ min: 1, max: 2_000 }).map(nest),
  fc.jsonValue(),
);

/** An array in an array in an array. */
export function nest(depth: number): unknown {
  let value: unknown = "deep";
  for (let n = 0; n < depth; n++) {
    value = [value];
  }
  return value;
}

/** One thing done to a JSON value, as text, since not every text that is JSON can be had by writing a value. */
export function spoiled(value: unknown): fc.Arbitrary<string> {
  const places = placesIn(value);
  const replaced = fc
    .tuple(fc.constantFrom(...places), hostile)
    .map(([place, other]) => JSON.stringify(changed(value, place, () => other)) ?? "null");
  const dropped = fc
    .constantFrom(...places)
    .map((place) => JSON.stringify(changed(value, place, () => undefined)) ?? "");
  const text = JSON.stringify(value);
  const polluted = fc
    .tuple(fc.constantFrom("__proto__", "constructor", "prototype", "", "a b"), hostile)
    .map(
      ([key, other]) => `{${JSON.stringify(key)}:${JSON.stringify(other) ?? "1"},${text.slice(1)}`,
    )
    .map((made) => (text.startsWith("{") ? made.replace(/,}$/, "}") : text));
  const twice = fc.constant(text.startsWith("{") ? `${text.slice(0, -1)},${text.slice(1)}` : text);
  const cut = fc.nat(text.length).map((at) => text.slice(0, at));
  return fc.oneof(
    { weight: 6, arbitrary: replaced },
    { weight: 2, arbitrary: dropped },
    { weight: 2, arbitrary: polluted },
    { weight: 1, arbitrary: twice },
    { weight: 1, arbitrary: cut },
    { weight: 1, arbitrary: hostile.map((other) => JSON.stringify(other) ?? "") },
  );
}

type Place = readonly (string | number)[];

/** Every place in a value, the whole of it first. */
export function placesIn(value: unknown, at: Place = []): Place[] {
  const inner =
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, each]) => placesIn(each, [...at, key]))
      : [];
  return [at, ...inner];
}

/** The value with something else in one place; undefined: without it. */
export function changed(
  value: unknown,
  [step, ...rest]: Place,
  change: (was: unknown) => unknown,
): unknown {
  if (step === undefined) {
    return change(value);
  }
  const copy: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const holder = copy as Record<string | number, unknown>;
  const inner = changed(holder[step], rest, change);
  if (inner === undefined) {
    delete holder[step];
  } else {
    holder[step] = inner;
  }
  return copy;
}
