// The callbacks of the core: everything that the native part of a manager calls.

import { AccessToken } from "./access-token.js";
import { HostBindings } from "./host-bindings.js";
import { selectorOf } from "./selector.js";
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

  /** The handle of the manager's own session. */
  get own() {
    return this.#runtime.defaultHandle;
  }

  /** Resolves a call. @param {number} call @param {AccessToken | string[]} found */
  resolveCall(call, found) {
    this.#runtime.calls.resolve(call, found);
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
    this.#runtime.countAs(digest);
  }

  /** Emits an event. @param {any} event @param {unknown} key of the session that it is about */
  notify(event, key) {
    this.#runtime.notify(event, key);
  }

  /** @param {string} value @param {string[]} scopes @param {number} issuedAt @param {number} expiresAt */
  createToken(value, scopes, issuedAt, expiresAt) {
    return new AccessToken(value, scopes, issuedAt, expiresAt);
  }

  /** @param {any} fields */
  createError(fields) {
    return errorOf(fields);
  }

  /** @param {unknown} thrown */
  errorFields(thrown) {
    return fieldsOf(thrown);
  }

  /**
   * Calls a user-supplied `grant` function; see {@link call}.
   *
   * @param {(argument: object) => unknown} grant
   * @param {string | undefined} refreshToken
   * @param {string[]} scopes
   * @param {any} key of the session
   * @param {AbortSignal} signal
   * @param {import("./host-bindings.js").Done} done
   */
  grant(grant, refreshToken, scopes, key, signal, done) {
    this.call(grant, [{ refreshToken, scopes, session: selectorOf(key), signal }], signal, done);
  }
}
