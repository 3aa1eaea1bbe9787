// Parts of the recorded exchanges: the types of a case, and responses.

import * as providers from "graphql-token-manager/providers";

/** Status, body and headers of a response. @typedef {[status: number, body: any, headers?: Record<string, string>]} Recorded */

/**
 * @typedef {object} Case
 * @property {keyof typeof providers} name
 * @property {Record<string, any>} options
 * @property {string[]} [optional] names of `options` that may be left out
 * @property {string} [schema] the operations of the log-in, as the API documents them
 * @property {() => any} profile
 * @property {string} endpoint
 * @property {[header: string, scheme: string]} presented
 * @property {(id: string) => string} token
 * @property {number} lifetimeMs
 * @property {{ url: string, parts: object, headers?: Record<string, string>, response: (id: string) => Recorded }} login
 * @property {Renewal} [renewal]
 * @property {{ mark: string, url: string, variables: object, isAuthorized: boolean, response: object }} [revocation]
 * @property {[what: string, response: Recorded, code: string][]} failures of a log-in
 * @property {[what: string, response: Recorded][]} rejections of a token
 * @property {Recorded} [limited] a response to a request of data that is limited by its rate
 * @property {boolean} [isOAuth]
 */

/**
 * @typedef {object} Renewal
 * @property {string} mark a part of the request
 * @property {string} url
 * @property {(id: string) => object} parts
 * @property {boolean} rotates
 * @property {(string | null)[]} [authorization]
 * @property {(id: string) => Recorded} response
 * @property {Recorded} refused
 */

export const PASSWORD = "pass-word-1";
export const HOUR = 3_600_000;
export const YEAR = 31_536_000_000;
export const START = Math.floor(Date.now() / 1000);

/** Returns an unsigned JWT that expires in an hour. @param {string} id */
export function jwt(id) {
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256", typ: "JWT" })}.${part({ id, iat: START, exp: START + 3600 })}.c2ln`;
}

/** @param {any} data @returns {Recorded} */
export const ok = (data) => [200, { data }];

/**
 * @param {number} status
 * @param {string} message
 * @param {object} [extensions]
 * @returns {Recorded}
 */
export const failed = (status, message, extensions) => [
  status,
  { data: null, errors: [{ message, extensions }] },
];

/**
 * Completes a case.
 *
 * @param {Omit<Case, "profile" | "options"> & { options: any }} described
 * @returns {Case}
 */
export const of = (described) => ({
  ...described,
  profile: () => /** @type {any} */ (providers)[described.name](described.options),
});
