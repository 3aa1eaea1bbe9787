// The UTF-8 conversion for engines without `TextEncoder` and `TextDecoder`.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { decodeUtf8, encodeUtf8, lazyTextDecoder, lazyTextEncoder } from "../../pkg-template/src/utf8.js";

const texts = [
  "",
  "plain",
  "Grüße",
  "日本語",
  "🎈 and 👩‍👩‍👧",
  "\u0000\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}",
  "\ufeffbom",
];
const brokenTexts = ["\ud83c", "\udf88", "a\ud83cb", "\udf88\ud83c"];

describe("the fallback", () => {
  test("encodes like the engine, lone surrogates included", () => {
    for (const text of [...texts, ...brokenTexts]) {
      assert.deepEqual(encodeUtf8(text), new TextEncoder().encode(text), JSON.stringify(text));
    }
  });

  test("decodes what the engine encodes", () => {
    for (const text of texts) {
      assert.equal(decodeUtf8(new TextEncoder().encode(text)), text, JSON.stringify(text));
    }
  });

  test("replaces invalid UTF-8 and keeps the surrounding text", () => {
    const broken = [[0x80], [0xc0, 0xaf], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff]];

    for (const bytes of broken) {
      const text = decodeUtf8(Uint8Array.from([0x61, ...bytes, 0x62]));
      assert.match(text, /^a\ufffd+b$/u, `${bytes}`);
    }
  });
});

describe("the lazy encoder and decoder", () => {
  test("behave like the engine's", () => {
    const into = new Uint8Array(20);

    const { written } = lazyTextEncoder().encodeInto("Grüße 🎈", into);

    assert.equal(lazyTextDecoder().decode(into.subarray(0, written)), "Grüße 🎈");
  });

  test("keep a byte order mark, which is part of the text", () => {
    assert.equal(lazyTextDecoder().decode(lazyTextEncoder().encode("\ufeffa")), "\ufeffa");
  });
});
