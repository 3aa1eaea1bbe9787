// Origin checks of the broker. Browsers send the user's cookies with requests of any page, so the page's origin is
// checked.

import { OAuthError } from "./oauth-error.js";

/** The time in seconds for which browsers may cache a preflight. */
const REMEMBERED = "600";

/** The origin policy of a broker. */
export class Origins {
  #allowed;
  #own;

  /**
   * @param {readonly string[]} allowed
   * @param {string | undefined} own
   */
  constructor(allowed, own) {
    this.#allowed = new Set(allowed);
    this.#own = own;
  }

  /**
   * Rejects a request of a page with an origin that is not allowed.
   *
   * @param {Request} request
   */
  check(request) {
    if (this.#isAllowed(request) || this.#isOwn(request)) return;
    throw new OAuthError(
      403,
      "unauthorized_client",
      "pages of this origin may not ask; see allowedOrigins and origin",
    );
  }

  /**
   * Returns the headers that let a page of an allowed origin read the response.
   *
   * @param {Request} request
   * @returns {Record<string, string>}
   */
  headersFor(request) {
    const vary = { vary: "Origin" };
    if (!this.#isAllowed(request)) return vary;
    return {
      ...vary,
      "access-control-allow-origin": request.headers.get("origin") ?? "",
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "Date, Retry-After",
    };
  }

  /**
   * Responds to a CORS preflight.
   *
   * @param {Request} request
   * @param {Record<string, string>} headers
   */
  preflight(request, headers) {
    if (!this.#isAllowed(request)) this.check(request);
    const wanted = request.headers.get("access-control-request-headers");
    const allow = {
      allow: "POST, OPTIONS",
      "cache-control": "no-store",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": wanted ?? "content-type",
      "access-control-max-age": REMEMBERED,
    };
    return new Response(null, { status: 204, headers: { ...headers, ...allow } });
  }

  /** @param {Request} request */
  #isAllowed(request) {
    const origin = request.headers.get("origin");
    return origin !== null && this.#allowed.has(origin);
  }

  /**
   * Returns whether a request comes from a page of the broker's own origin, or not from a page at all.
   *
   * @param {Request} request
   */
  #isOwn(request) {
    const origin = request.headers.get("origin");
    const site = request.headers.get("sec-fetch-site");
    // A page with an opaque origin (sandboxed, or a `data:` URL) is not of this site.
    if (origin === "null") return false;
    // Not a browser, since browsers send the origin with every POST. The request has no cookies that another page could
    // use.
    if (origin === null && site === null) return true;
    // With option `origin`, the `Host` header is not trusted: an attacker's host name may resolve here (DNS rebinding).
    if (this.#own !== undefined) return origin === this.#own;
    // Scripts cannot set `Sec-Fetch-Site`, and it is correct behind a proxy that changes the host or the scheme.
    if (site !== null) return site === "same-origin";
    return origin === new URL(request.url).origin;
  }
}
