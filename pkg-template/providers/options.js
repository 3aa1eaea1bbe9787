// Parts that the descriptions share: validation of their options, and addresses.

/** @import { SecretFunction, SessionSecret } from "graphql-token-manager" */

/**
 * Rejects missing, invalid and unknown options of a function. A missing password would otherwise be left out of the
 * request, and the API would be asked with half of the credentials.
 *
 * @param {string} name of the function
 * @param {any} options
 * @param {string} expected the names of the options; after them, `*` marks a secret and `?` an optional one
 */
export function checkOptions(name, options, expected) {
  const known = new Map(
    expected.split(" ").map((word) => [/** @type {string} */ (word.match(/\w+/)?.[0]), word]),
  );
  if (typeof options !== "object" || options === null)
    throw new TypeError(`${name}() takes an object of options`);
  if (Object.keys(options).some((key) => !known.has(key))) {
    const names = [...known.keys()].map((key) => `\`${key}\``).join(", ");
    throw new TypeError(`${name}() does not know an option that was given; known are ${names}`);
  }
  for (const [key, word] of known) {
    const value = options[key];
    if (value === undefined && word.includes("?")) continue;
    const isSecret = word.includes("*");
    if ((typeof value === "string" && value !== "") || (isSecret && typeof value === "function")) continue;
    const form = isSecret
      ? "a string that is not empty, or a function that returns one"
      : "a string that is not empty";
    throw new TypeError(`option \`${key}\` of ${name}() must be ${form}`);
  }
}

/**
 * Returns a function that returns the secret: strings in variables are not secret, and may not start like a placeholder.
 *
 * @param {SessionSecret} secret
 * @returns {SecretFunction}
 */
export const secretOf = (secret) => (typeof secret === "string" ? () => secret : secret);

/**
 * Returns the URL of a path of a server, whose URL may end in slashes.
 *
 * @param {string} server
 * @param {string} path
 */
export function urlOf(server, path) {
  let end = server.length;
  // Not a regular expression: its time would be quadratic in the number of slashes.
  while (server[end - 1] === "/") end--;
  return server.slice(0, end) + path;
}
