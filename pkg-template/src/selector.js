// Which session a selector means, as a text.
//
// Decides which selectors are written in the same way; whether one is right, the core says.

/**
 * A selector as JSON: its keys and scopes in order, and without what the manager itself has, so that whatever selects the
 * same is the same. What cannot be written so is given back as it is, for the core to refuse.
 *
 * @param {any} selector
 * @param {any} options of the manager
 * @returns {unknown}
 */
export function keyOf(selector, options) {
  try {
    if (typeof selector !== "object" || selector === null || Array.isArray(selector)) return selector;
    const own = ownOf(options);
    /** @type {[string, unknown][]} */
    const entries = [];
    for (const name of Object.keys(selector).sort()) {
      const value = ordered(selector[name]);
      if (value === undefined) continue;
      if (!isPlain(value)) return { ...selector };
      if (JSON.stringify(value) !== JSON.stringify(ordered(own[name]))) entries.push([name, value]);
    }
    return JSON.stringify(Object.fromEntries(entries));
  } catch {
    // A getter that throws, or a proxy.
    return selector;
  }
}

/**
 * What a key stands for, as listeners and `grant` functions see it.
 *
 * @param {any} key
 */
export function selectorOf(key) {
  const selector = typeof key === "string" ? JSON.parse(key) : { ...key };
  Object.values(selector).forEach(Object.freeze);
  return Object.freeze(selector);
}

/**
 * What the manager has of what sessions may select.
 *
 * @param {any} options
 * @returns {Record<string, unknown>}
 */
function ownOf(options) {
  const { userId, accountId, seatId, scopes, provider } = options ?? {};
  const isData = typeof provider === "object" && provider !== null;
  return { ...(isData ? provider.authenticate?.variables : { userId, accountId, seatId }), scopes };
}

/**
 * A list of texts in order, each once; anything else as it is.
 *
 * @param {unknown} value
 */
function ordered(value) {
  return isTexts(value) ? [...new Set(value)].sort() : value;
}

/** @param {unknown} value */
function isPlain(value) {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    Number.isFinite(value) ||
    isTexts(value)
  );
}

/**
 * @param {unknown} value
 * @returns {value is string[]}
 */
function isTexts(value) {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
