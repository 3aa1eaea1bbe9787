/**
 * Generators shared by several targets. All generated values are plain JSON.
 *
 * @module
 */

import fc from "fast-check";

/** Strings that parsers often mishandle. */
export const ODD_TEXTS = [
  "",
  " ",
  "0",
  "-1",
  "null",
  "undefined",
  "toString",
  "__proto__",
  "constructor",
  "\u0000",
  "\u001b[2J",
  "\ud800",
  "\udc00\ud800",
  "\u202e",
  "a b",
  'a"b',
  "a\\b",
  "\r\nx-injected: 1",
  "é",
  "💥",
  "$refreshToken",
  "$scopes",
];

const ODD_NUMBERS = [
  0,
  -0,
  -1,
  1,
  0.5,
  1e-7,
  60,
  3600,
  1e9,
  2 ** 31,
  2 ** 53,
  8.64e15,
  8.64e15 + 1,
  1e300,
  -1e300,
];

export const oddText = fc.constantFrom(...ODD_TEXTS);

/** Mostly short strings; sometimes long ones, as a repeated pattern. */
export const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 24 }) },
  { weight: 3, arbitrary: oddText },
  { weight: 2, arbitrary: fc.string({ maxLength: 12, unit: "binary" }) },
);

export const number = fc.oneof(
  fc.constantFrom(...ODD_NUMBERS),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/**
 * Generates JSON values that have members with the given names, among others.
 * @param {readonly string[]} names
 * @param {import("fast-check").Arbitrary<any>} [leaf]
 */
export function tree(names, leaf = fc.oneof(text, number, fc.boolean(), fc.constant(null))) {
  const { value } = fc.letrec((/** @type {(name: string) => import("fast-check").Arbitrary<any>} */ tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthIdentifier: "tree" },
      leaf,
      fc.array(tie("value"), { maxLength: 4, depthIdentifier: "tree" }),
      fc
        .array(fc.tuple(fc.constantFrom(...names, "__proto__"), tie("value")), {
          maxLength: 5,
          depthIdentifier: "tree",
        })
        .map((members) => object(members)),
    ),
  }));
  return value;
}

/**
 * Returns an object with these members, including an own member `__proto__`.
 * @param {readonly (readonly [string, any])[]} members
 */
export function object(members) {
  return JSON.parse(
    `{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
  );
}

/**
 * Edits of a string: the position (in ten-thousandths of its length), the number of characters removed, and the
 * insertion.
 */
export const edits = fc.array(
  fc.record({
    at: fc.nat({ max: 9_999 }),
    cut: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 200 })),
    put: fc.oneof(
      fc.constant(""),
      text,
      fc.constantFrom('"', "{", "}", "[", "]", ",", ":", "\\", "1e999", "nan"),
    ),
    times: fc.oneof(
      { weight: 19, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.constantFrom(1_000, 60_000) },
    ),
  }),
  { maxLength: 4 },
);

/**
 * @param {string} base
 * @param {readonly { at: number, cut: number, put: string, times: number }[]} changes
 */
export function edited(base, changes) {
  let result = base;
  for (const { at, cut, put, times } of changes) {
    const place = Math.floor((result.length * at) / 10_000);
    result = result.slice(0, place) + put.repeat(times) + result.slice(place + cut);
  }
  return result.slice(0, 3_000_000);
}
