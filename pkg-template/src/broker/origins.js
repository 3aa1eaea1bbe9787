// Whose pages may ask. Browsers send the user's cookies along whoever asks, so it is the page's origin that counts.

import { Refusal } from "./refusal.js";

/** In seconds: what a browser may remember of a preflight. */
const REMEMBERED = "600";

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
   * Refuses a page of another site.
   *
   * @param {Request} request
   */
  check(request) {
    if (this.#isAllowed(request) || this.#isOwn(request)) return;
    throw new Refusal(
      403,
      "unauthorized_client",
      "pages of this origin may not ask; see allowedOrigins and origin",
    );
  }

  /**
   * What lets a page of another, allowed origin read the answer.
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
   * Whether it comes from a page of the broker's own origin, or from no page at all.
   *
   * @param {Request} request
   */
  #isOwn(request) {
    const origin = request.headers.get("origin");
    const site = request.headers.get("sec-fetch-site");
    // A page without an origin (sandboxed, of `data:`) is nobody's.
    if (origin === "null") return false;
    // No browser: those name the origin of every POST. There are no cookies that a foreign page could use.
    if (origin === null && site === null) return true;
    // Where it is told, `Host` is not believed: a name of the attacker's may lead here (DNS rebinding).
    if (this.#own !== undefined) return origin === this.#own;
    // No script can set it, and it is right behind a proxy that changes the host or the scheme.
    if (site !== null) return site === "same-origin";
    return origin === new URL(request.url).origin;
  }
}
