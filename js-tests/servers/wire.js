/**
 * Counts what a manager sends to a server, and keeps the last response to a grant.
 *
 * @module
 */

/** @typedef {"login" | "renewal"} GrantKind by the credentials, or by a token */

export class Wire {
  /** Grants, in the order in which they were sent. @type {GrantKind[]} */
  grants = [];
  /** Requests to the API, replays included. */
  requests = 0;
  /** The body of the last successful response to a grant. @type {any} */
  lastGrant;

  /** @param {any} provider value of the option */
  constructor(provider) {
    this.provider = provider;
  }

  /** @type {(url: string, init: RequestInit) => Promise<Response>} */
  fetch = async (url, init) => {
    const kind = this.#kindOf(`${url}`, `${init.body}`);
    if (kind === undefined) {
      this.requests++;
      return fetch(url, init);
    }
    if (kind !== "revocation") this.grants.push(kind);
    const response = await fetch(url, init);
    if (response.ok && kind !== "revocation") this.lastGrant = await response.clone().json();
    return response;
  };

  /** @param {string} url @param {string} body @returns {GrantKind | "revocation" | undefined} */
  #kindOf(url, body) {
    const { oauth, endpoint, authenticate, renew, revoke } = this.provider;
    if (url === revoke?.url) return "revocation";
    if (oauth !== undefined) {
      if (url !== oauth.tokenEndpoint) return undefined;
      return new URLSearchParams(body).get("grant_type") === "refresh_token" ? "renewal" : "login";
    }
    const isSent = (/** @type {any} */ operation) => {
      if (operation === undefined || url !== (operation.endpoint ?? endpoint)) return false;
      return operation.json !== undefined || JSON.parse(body).query === operation.document;
    };
    if (isSent(authenticate)) return "login";
    if (isSent(renew)) return "renewal";
    return isSent(revoke) ? "revocation" : undefined;
  }
}
