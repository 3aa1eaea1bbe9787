// The callbacks of the core: everything that the native part of a manager calls.

import { AccessToken } from "./access-token.js";
import { countManager } from "./alive-managers.js";
import { HostBindings } from "./host-bindings.js";
import { PageSignOuts, isPage } from "./page-sign-outs.js";
import { parseSelector } from "./selector.js";
import { errorOf, fieldsOf } from "./token-error.js";

/** @typedef {import("./manager-runtime.js").ManagerRuntime} ManagerRuntime */

/** The callbacks of one manager, which forward to its runtime; see src/js/manager_callbacks.rs. */
export class ManagerCallbacks extends HostBindings {
  #runtime;

  /** @param {ManagerRuntime} runtime */
  constructor(runtime) {
    super();
    this.#runtime = runtime;
  }

  /** The handle of the default session. */
  get defaultHandle() {
    return this.#runtime.defaultHandle;
  }

  /** Resolves a call. @param {number} call @param {AccessToken | string[]} value a token, scopes or values of headers */
  resolveCall(call, value) {
    this.#runtime.calls.resolve(call, value);
  }

  /** Rejects a call. @param {number} call @param {unknown} error */
  rejectCall(call, error) {
    this.#runtime.calls.reject(call, error);
  }

  /** Called after an event that may have changed the status of a session. */
  statusChanged() {
    this.#runtime.changes.check();
  }

  /** Called with a digest of the manager's identity. @param {string} digest */
  identified(digest) {
    const runtime = this.#runtime;
    if (runtime.isCounted && !runtime.isClosed && runtime.count === undefined) {
      // A core that is restarted after a crash finds the count.
      runtime.count = countManager(digest);
      runtime.count.report((warning) => {
        const { selector } = runtime.defaultHandle;
        const hasListener = runtime.listeners.has("warning", selector);
        runtime.notify(warning, selector);
        return hasListener;
      });
    }
    if (runtime.isClosed || !isPage()) return;
    runtime.pageSignOuts ??= new PageSignOuts(
      digest,
      () => runtime.signOuts.signedOutElsewhere(),
      () => runtime.signOuts.mayHaveMissed(),
    );
  }

  /** Emits an event. @param {any} event @param {unknown} selector of its session */
  notify(event, selector) {
    this.#runtime.notify(event, selector);
  }

  /** Whether anything receives steps. */
  get isObserved() {
    return this.#runtime.trace?.isObserved ?? false;
  }

  /**
   * Reports a step to observers; see `Trace`.
   *
   * @param {string} name
   * @param {string} detail
   * @param {number} number
   * @param {unknown} error
   * @param {import("./trace.js").StartedGrant | undefined} started
   * @param {unknown} selector of its session
   */
  step(name, detail, number, error, started, selector) {
    try {
      const now = this.monotonicNow();
      return this.#runtime.trace?.step(name, detail, number, error, started, selector, now);
    } catch {
      // The core is on the stack and does not handle exceptions.
      return undefined;
    }
  }

  /** @param {string} value @param {string[]} scopes @param {number} issuedAt @param {number} expiresAt */
  createToken(value, scopes, issuedAt, expiresAt) {
    return new AccessToken(value, scopes, issuedAt, expiresAt, this.#runtime.api.tokenScheme);
  }

  /** @param {any} fields */
  createError(fields) {
    return errorOf(fields);
  }

  /** @param {unknown} thrown */
  tokenErrorFields(thrown) {
    return fieldsOf(thrown);
  }

  /**
   * Calls a user-supplied `grant` function; see {@link call}.
   *
   * @param {(argument: object) => unknown} grant
   * @param {string | undefined} refreshToken
   * @param {string[]} scopes
   * @param {any} selector of the session
   * @param {AbortSignal} signal
   * @param {import("./host-bindings.js").ReportOutcome} done
   */
  grant(grant, refreshToken, scopes, selector, signal, done) {
    this.call(grant, [{ refreshToken, scopes, session: parseSelector(selector), signal }], signal, done);
  }

  /**
   * Calls a function that returns a secret; see {@link call}. It does not receive scopes: sessions that differ in them alone
   * have the same secrets.
   *
   * @param {(argument?: object) => unknown} secret
   * @param {any} selector of the session; `undefined` if the function has no argument
   * @param {AbortSignal} signal
   * @param {import("./host-bindings.js").ReportOutcome} done
   */
  secret(secret, selector, signal, done) {
    if (selector === undefined) return this.call(secret, [], signal, done);
    const { scopes: _, ...session } = parseSelector(selector);
    this.call(secret, [Object.freeze({ session: Object.freeze(session) })], signal, done);
  }
}
