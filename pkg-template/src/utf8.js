// UTF-8 conversion for the generated glue, created at its first use.
//
// jsdom has neither TextDecoder nor TextEncoder, so creating one while the package is imported would fail the import.
// The fallbacks are used there, and where a polyfill lacks members.

/** @typedef {{ decode(bytes: Uint8Array): string }} Decoder */
/** @typedef {{ read: number, written: number }} Progress */
/** @typedef {{ encode(text: string): Uint8Array, encodeInto(text: string, into: Uint8Array): Progress }} Encoder */

/**
 * Returns a UTF-8 decoder that is created at its first use.
 *
 * @returns {Decoder}
 */
export function lazyTextDecoder() {
  /** @type {Decoder | undefined} */
  let decoder;
  return {
    decode(bytes) {
      decoder ??= nativeDecoder() ?? { decode: decodeUtf8 };
      return decoder.decode(bytes);
    },
  };
}

/**
 * Returns a UTF-8 encoder that is created at its first use.
 *
 * @returns {Encoder}
 */
export function lazyTextEncoder() {
  /** @type {Encoder | undefined} */
  let encoder;
  const made = () => (encoder ??= nativeEncoder() ?? plainEncoder);
  return {
    encode: (text) => made().encode(text),
    encodeInto: (text, into) => made().encodeInto(text, into),
  };
}

/** @type {Encoder} */
const plainEncoder = {
  encode: encodeUtf8,
  encodeInto(text, into) {
    const bytes = encodeUtf8(text);
    into.set(bytes);
    return { read: text.length, written: bytes.length };
  },
};

/** Returns the engine's decoder, or a polyfill that decodes as required here. */
function nativeDecoder() {
  try {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    // Safari's first call may otherwise fail on a view of WebAssembly memory.
    return decoder.decode() === "" ? decoder : undefined;
  } catch {
    return undefined;
  }
}

function nativeEncoder() {
  try {
    const encoder = new TextEncoder();
    return encoder.encodeInto("a", new Uint8Array(1)).written === 1 ? encoder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Decodes UTF-8. Each byte that is not part of a valid character becomes U+FFFD.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function decodeUtf8(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const [length, point] = characterAt(bytes, at);
    text += String.fromCodePoint(point);
    at += length;
  }
  return text;
}

/**
 * Returns the code point that starts at a byte, and its length in bytes.
 *
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {[length: number, point: number]}
 */
function characterAt(bytes, at) {
  const lead = bytes[at];
  if (lead < 0x80) return [1, lead];
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  let point = lead & (0x7f >> length);
  for (let next = at + 1; next < at + length; next++) {
    if ((bytes[next] & 0xc0) !== 0x80) return [1, REPLACEMENT];
    point = (point << 6) | (bytes[next] & 0x3f);
  }
  const surrogate = point >= 0xd800 && point < 0xe000;
  if (lead < 0xc0 || point < SMALLEST[length] || point > 0x10ffff || surrogate) return [1, REPLACEMENT];
  return [length, point];
}

const REPLACEMENT = 0xfffd;
/** The smallest code point for each length in bytes; smaller ones are overlong encodings. */
const SMALLEST = [0, 0, 0x80, 0x800, 0x10000];

/**
 * Encodes a text as UTF-8. Each lone surrogate becomes U+FFFD.
 *
 * @param {string} text
 * @returns {Uint8Array}
 */
export function encodeUtf8(text) {
  /** @type {number[]} */
  const bytes = [];
  for (const character of text) {
    let point = /** @type {number} */ (character.codePointAt(0));
    if (point >= 0xd800 && point < 0xe000) point = REPLACEMENT;
    if (point < 0x80) {
      bytes.push(point);
    } else if (point < 0x800) {
      bytes.push(0xc0 | (point >> 6), tail(point));
    } else if (point < 0x10000) {
      bytes.push(0xe0 | (point >> 12), tail(point >> 6), tail(point));
    } else {
      bytes.push(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point));
    }
  }
  return Uint8Array.from(bytes);
}

/** @param {number} point */
const tail = (point) => 0x80 | (point & 0x3f);
