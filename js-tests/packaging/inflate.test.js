// What makes the module of its text again.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";

import { inflate } from "../../pkg-template/src/module/inflate.js";

const contents = {
  nothing: Buffer.alloc(0),
  "one byte": Buffer.from("a"),
  "a run that is longer than a length can tell": Buffer.alloc(100_000, 7),
  "bytes that do not get shorter": randomBytes(70_000),
  "repetitions at any distance": Buffer.concat(
    Array.from({ length: 200 }, (_, place) => Buffer.from(`${"-".repeat(place * 3)}${place % 7}`)),
  ),
  "a program": readFileSync(process.execPath).subarray(0, 500_000),
};

/** Each makes zlib write other kinds of blocks. @type {Record<string, import("node:zlib").ZlibOptions>} */
const ways = {
  best: { level: 9 },
  fast: { level: 1 },
  stored: { level: 0 },
  "fixed codes": { strategy: constants.Z_FIXED },
  "no repetitions": { strategy: constants.Z_HUFFMAN_ONLY },
  "runs alone": { strategy: constants.Z_RLE },
};

describe("inflate", () => {
  for (const [name, options] of Object.entries(ways)) {
    for (const [content, bytes] of Object.entries(contents)) {
      test(`gives ${content} again (${name})`, () => {
        const inflated = inflate(deflateRawSync(bytes, options), bytes.length);

        assert.ok(bytes.equals(inflated));
      });
    }
  }
});
