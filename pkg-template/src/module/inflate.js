// Undoes deflate (RFC 1951). The module is compressed before it becomes text: a web server then sends about as many
// bytes as it has, instead of a quarter more.
//
// Checks nothing: what it is given is the build's own, which has tried it. Not the engine's `DecompressionStream`,
// which Jest's jsdom and older engines lack, nor a package's: each is larger than this.

/**
 * @param {Uint8Array} deflated
 * @param {number} size Of what comes out, in bytes.
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function inflate(deflated, size) {
  const out = new Uint8Array(size);
  let written = 0;
  let taken = 0;
  let bits = 0;
  let held = 0;

  const have = (/** @type {number} */ wanted) => {
    for (; held < wanted; held += 8) bits |= deflated[taken++] << held;
    return bits;
  };
  const read = (/** @type {number} */ wanted) => {
    const value = have(wanted) & ((1 << wanted) - 1);
    bits >>>= wanted;
    held -= wanted;
    return value;
  };

  /**
   * Reads symbols. Their codes are known by how long they are: of one length, they count up, and a longer one
   * starts where the shorter ones end. The table has what any fifteen bits, as many as the longest code has, start with.
   *
   * @param {number[]} lengths
   */
  const reader = (lengths) => {
    const table = new Uint16Array(0x8000);
    let code = 0;
    for (let length = 1; length < 16; length++) {
      const top = 1 << (length - 1);
      lengths.forEach((of, symbol) => {
        if (of !== length) return;
        for (let place = code; place < 0x8000; place += top * 2) table[place] = symbol * 16 + length;
        // The next code: codes come with their first bit lowest.
        let carry = top;
        for (; code & carry; carry >>= 1) code ^= carry;
        code ^= carry;
      });
    }
    return () => {
      const found = table[have(15) & 0x7fff];
      read(found & 15);
      return found >> 4;
    };
  };

  // Lengths and distances: the first symbols are values, then each `step` of them have one more bit behind them.
  const value = (/** @type {number} */ symbol, /** @type {number} */ step) => {
    const more = Math.max(Math.floor(symbol / step) - 1, 0);
    return (more && (((symbol % step) + step) << more) + read(more)) || symbol;
  };

  for (let last = 0; !last;) {
    last = read(1);
    const kind = read(2);
    if (kind === 0) {
      // Bytes as they are, from the next whole one on, with their length and its complement in front.
      read(held & 7);
      const length = read(16);
      read(16);
      for (let left = length; left--;) out[written++] = read(8);
      continue;
    }
    let lengths = [8, 9, 7, 8].flatMap((length, index) => Array([144, 112, 24, 8][index]).fill(length));
    let distances = Array(30).fill(5);
    if (kind === 2) {
      const [literals, offsets, told] = [read(5) + 257, read(5) + 1, read(4) + 4];
      const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
      lengths = Array(19).fill(0);
      for (const symbol of order.slice(0, told)) lengths[symbol] = read(3);
      const next = reader(lengths);
      lengths = [];
      while (lengths.length < literals + offsets) {
        const symbol = next();
        if (symbol < 16) lengths.push(symbol);
        else {
          const [length, times] =
            symbol === 16
              ? [lengths[lengths.length - 1], 3 + read(2)]
              : [0, symbol === 17 ? 3 + read(3) : 11 + read(7)];
          for (let left = times; left--;) lengths.push(length);
        }
      }
      distances = lengths.splice(literals);
    }
    const next = reader(lengths);
    const far = reader(distances);
    for (let symbol; (symbol = next()) !== 256;) {
      if (symbol < 256) out[written++] = symbol;
      else {
        const length = symbol === 285 ? 258 : value(symbol - 257, 4) + 3;
        const distance = value(far(), 2) + 1;
        for (let left = length; left--; written++) out[written] = out[written - distance];
      }
    }
  }
  return out;
}
