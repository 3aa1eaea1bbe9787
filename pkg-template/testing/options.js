/**
 * Validation and defaults of the options of `startSandbox` and `fault`.
 *
 * All defaults are defined in this module only.
 *
 * @module
 */

/** @import { BraintreeVariants, FaultSpec, FluzVariants, ProviderName, ToggleVariants } from "./index.js" */

/** @type {readonly ProviderName[]} */
export const PROVIDERS = ["fluz", "toggle", "braintree", "acme"];

/** Longest lifetime or offset: 100 years, which JavaScript can still represent as a date. */
const MAX_MS = 100 * 365 * 86_400_000;

/** Longest delay of a timer: 2 ** 31 - 1 ms, about 24 days. A longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Returns the valid value of a key, or throws an error with the expected value.
 * @typedef {(value: unknown, key: string) => any} OptionReader
 */

/**
 * A field of an object: its reader, and its default.
 * @typedef {{ read: OptionReader, otherwise?: unknown, required?: true }} Field
 */

/**
 * The options with all defaults.
 * @typedef {object} SandboxConfig
 * @property {number} port
 * @property {Record<ProviderName, number>} lifetimes
 * @property {{ fluz: Required<FluzVariants>, toggle: Required<ToggleVariants>, braintree: Required<BraintreeVariants>
 * }} variants
 * @property {readonly FaultSpec[]} faults
 * @property {boolean} exposeHeaders
 * @property {() => number} now
 */

/**
 * @param {unknown} options
 * @returns {SandboxConfig}
 */
export function readOptions(options = {}) {
  return record(OPTIONS)(options, "");
}

/**
 * Validates a fault.
 * @param {unknown} spec
 * @param {string} [key] The option that contains it.
 * @returns {FaultSpec}
 */
export function readFault(spec, key = "fault") {
  const { kind } = object(spec, key);
  const fields = FAULT_FIELDS[oneOf(...Object.keys(FAULT_FIELDS))(kind, `${key}.kind`)];
  const read = record({ ...COMMON_FAULT_FIELDS, ...fields })(spec, key);
  if (read.kind === "narrow" && (read.provider === "toggle" || read.provider === "acme")) {
    throw wrong(
      `${key}.provider`,
      "is a provider without scopes",
      'write "fluz" or "braintree", or leave it out',
    );
  }
  if (read.kind === "bad-token" && (read.provider ?? "toggle") === "toggle" && !fitsHeader(read.value)) {
    const what = "holds characters that no HTTP header can carry, and Toggle's token comes in one";
    throw wrong(`${key}.value`, what, "leave them out, or name another `provider`");
  }
  return read;
}

/** @returns {OptionReader} */
function oneOf(/** @type {readonly (string | number)[]} */ ...choices) {
  return (value, key) => {
    if (choices.some((choice) => choice === value)) return value;
    throw wrong(
      key,
      `is ${typeof value === "string" ? "another string" : kindOf(value)}`,
      `write ${choices.map((choice) => JSON.stringify(choice)).join(" or ")}`,
    );
  };
}

/**
 * @param {number} least
 * @param {number} most
 * @param {string} unit
 * @returns {OptionReader}
 */
function whole(least, most, unit) {
  return (value, key) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    throw wrong(
      key,
      `is ${typeof value === "number" ? wrongNumber(value) : kindOf(value)}`,
      `write a whole number of ${unit} from ${least} to ${most}`,
    );
  };
}

/** @param {number} value */
function wrongNumber(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return "not finite";
  return Number.isInteger(value) ? "a number out of range" : "a fraction";
}

/** @type {OptionReader} */
const flag = (value, key) => {
  if (typeof value === "boolean") return value;
  throw wrong(key, `is ${kindOf(value)}`, "write true or false");
};

/** @type {OptionReader} */
const string = (value, key) => {
  if (typeof value === "string") return value;
  throw wrong(key, `is ${kindOf(value)}`, "write a string");
};

/** @type {OptionReader} */
const word = (value, key) => {
  if (typeof value === "string" && value !== "") return value;
  throw wrong(key, `is ${value === "" ? "an empty string" : kindOf(value)}`, "write the name of a field");
};

/** @type {OptionReader} */
const clock = (value, key) => {
  if (typeof value === "function") return value;
  throw wrong(key, `is ${kindOf(value)}`, "write a function that returns milliseconds since the Unix epoch");
};

/** @type {OptionReader} */
const retryAfter = (value, key) => {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  if (typeof value === "string" && value !== "" && fitsHeader(value)) return value;
  throw wrong(key, `is ${kindOf(value)}`, "write a whole number of seconds or an HTTP date");
};

/**
 * @param {OptionReader} read
 * @returns {OptionReader}
 */
function list(read) {
  return (value, key) => {
    if (!Array.isArray(value)) throw wrong(key, `is ${kindOf(value)}`, "write an array");
    return value.map((item, index) => read(item, `${key}[${index}]`));
  };
}

/**
 * Returns a reader for an object with exactly these fields. A field that is missing or `undefined` gets its default.
 * @param {Readonly<Record<string, Field>>} fields
 * @returns {OptionReader}
 */
function record(fields) {
  return (value, key) => {
    const given = object(value, key || "options");
    for (const name of Object.keys(given)) {
      if (Object.hasOwn(fields, name)) continue;
      throw wrong(path(key, name), "is not known", `known here: ${Object.keys(fields).join(", ")}`);
    }
    /** @type {Record<string, unknown>} */
    const result = {};
    for (const [name, { read, otherwise, required }] of Object.entries(fields)) {
      if (given[name] !== undefined || required) result[name] = read(given[name], path(key, name));
      else if (otherwise !== undefined) result[name] = otherwise;
    }
    return result;
  };
}

/**
 * @param {unknown} value
 * @param {string} key
 * @returns {Record<string, unknown>}
 */
function object(value, key) {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return /** @type {Record<string, unknown>} */ (value);
  }
  throw wrong(key, `is ${kindOf(value)}`, "write an object");
}

const lifetime = whole(1, MAX_MS, "milliseconds");
const delay = whole(0, MAX_DELAY_MS, "milliseconds");
const when = { read: oneOf("before", "after") };

/** @type {Record<string, Record<string, Field>>} */
const FAULT_FIELDS = {
  delay: { ms: { read: delay, required: true }, when },
  drop: { when },
  truncate: {},
  status: {
    status: { read: whole(200, 599, "an HTTP status"), required: true },
    retryAfter: { read: retryAfter },
    body: { read: string },
  },
  html: {},
  "invalid-json": {},
  date: { offsetMs: { read: whole(-MAX_MS, MAX_MS, "milliseconds"), required: true } },
  "omit-date": {},
  narrow: { scopes: { read: list(string), required: true } },
  "no-token": {},
  "bad-token": { value: { read: string, required: true } },
  // Larger responses would exhaust the memory of the sandbox.
  oversize: { bytes: { read: whole(1, 64 * 1024 * 1024, "bytes") } },
};

/** @type {Record<string, Field>} */
const COMMON_FAULT_FIELDS = {
  kind: { read: string, required: true },
  provider: { read: oneOf(...PROVIDERS) },
  operation: { read: word },
  times: { read: whole(1, Number.MAX_SAFE_INTEGER, "requests") },
};

/** @param {Record<string, Field>} fields */
const optional = (fields) => ({ read: record(fields), otherwise: record(fields)({}, "") });

/** @type {Record<string, Field>} */
const OPTIONS = {
  port: { read: whole(0, 65_535, "a port, 0 for any free one,"), otherwise: 0 },
  lifetimes: optional({
    // Ten minutes, as documented for Fluz's own sandbox. The production environment has three.
    fluz: { read: lifetime, otherwise: 600_000 },
    toggle: { read: lifetime, otherwise: 3_600_000 },
    // Chosen for the sandbox: Braintree documents `expiresAt` and no lifetime.
    braintree: { read: lifetime, otherwise: 3_600_000 },
    acme: { read: lifetime, otherwise: 300_000 },
  }),
  variants: optional({
    fluz: optional({
      tokenField: { read: oneOf("token", "accessToken"), otherwise: "token" },
      refreshArgument: { read: oneOf("refreshToken", "userId", "absent"), otherwise: "refreshToken" },
      rotation: { read: flag, otherwise: true },
      unauthorizedStatus: { read: oneOf(200, 401), otherwise: 401 },
    }),
    toggle: optional({
      field: { read: oneOf("loginUser", "LoginUser"), otherwise: "loginUser" },
      header: { read: oneOf("x-authorization", "authorization", "both"), otherwise: "both" },
      bearerPrefix: { read: flag, otherwise: false },
      sliding: { read: oneOf("every", "near-expiry", "never"), otherwise: "near-expiry" },
      slidingRevokes: { read: flag, otherwise: false },
      unauthorizedStatus: { read: oneOf(200, 403), otherwise: 403 },
    }),
    braintree: optional({
      expiresAt: { read: oneOf("iso", "offset", "epoch", "absent"), otherwise: "iso" },
    }),
  }),
  faults: { read: list(readFault), otherwise: [] },
  exposeHeaders: { read: flag, otherwise: true },
  now: { read: clock, otherwise: Date.now },
};

/** @param {string} value */
function fitsHeader(value) {
  // RFC 9110, section 5.5: no control characters except the tab, and none beyond Latin-1.
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

/**
 * @param {string} key
 * @param {string} name
 */
function path(key, name) {
  return key === "" ? name : `${key}.${name}`;
}

/**
 * Returns the kind of a value for an error message, never the value: it may be a secret in the wrong place.
 * @param {unknown} value
 */
function kindOf(value) {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (value === "") return "an empty string";
  const article = typeof value === "object" ? "an" : "a";
  return `${article} ${typeof value}`;
}

/**
 * @param {string} key
 * @param {string} what
 * @param {string} remedy
 */
export function wrong(key, what, remedy) {
  return new TypeError(`startSandbox: \`${key}\` ${what}; ${remedy}`);
}
