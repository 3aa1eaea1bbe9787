// PostGraphile: a mutation that returns a JWT alone, with the lifetime of its claim `exp`.
//
// Run with PostGraphile 5.1, its presets Amber and lazy-jwt, and PostgreSQL 15. Messages of the database are masked:
// "An error occurred (logged with hash: …)" is all that a response states of an outage. `refused` has the default: an
// invalid or expired token is status 401. Not described: a renewal, as a function of the database that returns a new
// token would be the API's own.

import { checkOptions, secretOf } from "./options.js";

/** @import { Profile } from "graphql-token-manager" */
/** @import { PostgraphileOptions } from "./index.js" */

/**
 * @param {PostgraphileOptions} options
 * @returns {Profile}
 */
export function postgraphile(options) {
  const { input, ...others } = options ?? {};
  checkOptions("postgraphile", others, "endpoint mutation? token?");
  const { mutation = "authenticate", token = "result" } = others;
  for (const [name, value] of Object.entries({ mutation, token })) {
    // They become parts of a document.
    if (!/^[A-Za-z_]\w*$/.test(value)) {
      throw new TypeError(`option \`${name}\` of postgraphile() must be the name of a field in GraphQL`);
    }
  }
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
  return {
    name: "postgraphile",
    endpoint: others.endpoint,
    authenticate: {
      document: `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${token} } }`,
      variables: { input: secretsOf(input) },
    },
    token: { data: `${mutation}.${token}` },
    expiry: { jwt: true },
    unavailable: { contains: "An error occurred (logged with" },
  };
}

/**
 * Returns the arguments of the function with each value as a secret: which of them is the password is not known.
 *
 * @param {unknown} input
 */
function secretsOf(input) {
  const entries = typeof input === "object" && input !== null ? Object.entries(input) : [];
  const isSecret = (/** @type {unknown} */ value) =>
    (typeof value === "string" && value !== "") || typeof value === "function";
  if (entries.length === 0 || !entries.every(([, value]) => isSecret(value))) {
    throw new TypeError(
      "option `input` of postgraphile() must be an object of strings that are not empty, and of functions that return one",
    );
  }
  return Object.fromEntries(entries.map(([name, value]) => [name, secretOf(value)]));
}
