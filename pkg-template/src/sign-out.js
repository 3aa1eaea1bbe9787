// The sign-outs of one manager: `clear()`, `revoke()`, and those of other pages.
//
// Loaded with the core. `ManagerRuntime.signOut` calls them, and waits for the core before.

import { TokenError, errorOf } from "./token-error.js";

/** @typedef {import("./manager-core.js").NativeManager} NativeManager */
/** @typedef {import("./manager-core.js").Send} Send */
/** @typedef {import("./manager-runtime.js").ManagerRuntime} ManagerRuntime */
/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */

/** The sign-outs of one manager. */
export class SignOuts {
  #runtime;
  /** The number of pending calls of `revoke()` that lost their tokens by a crash of the core. */
  #lost = 0;

  /** @param {ManagerRuntime} runtime */
  constructor(runtime) {
    this.#runtime = runtime;
  }

  /**
   * Signs out as {@link clear} does, and revokes the tokens. The provider must have a revocation. A core that crashed has
   * lost the tokens, which cannot be revoked then.
   *
   * @param {SessionHandle} handle
   * @param {boolean} isWhole
   * @param {unknown} publicObject
   * @returns {Promise<void>}
   */
  async revoke(handle, isWhole, publicObject) {
    if (!handle.isReady) await handle.ready();
    const { name, revokes } = handle.api;
    if (!revokes) {
      const message = `${name} has no revocation here; clear() discards the token without one`;
      throw new TokenError("unsupported", message, { provider: name });
    }
    // Notices a crash.
    void this.#runtime.core.isRunning;
    const isLost = this.#lost > 0 || this.#runtime.handles().some((each) => each.hasLostToken);
    if (isLost) this.#lost++;
    this.#discard(handle, isWhole);
    try {
      await this.#signOut(handle, isWhole, publicObject, (native, end) => {
        native.revoke(isWhole ? undefined : handle, end);
      });
    } catch (error) {
      // The core may have crashed meanwhile, and the other sessions of the identity have kept the tokens.
      this.#signOutLost();
      // The tokens are discarded, so that another call would have nothing to revoke.
      if (error instanceof TokenError) error.retryable = false;
      throw error;
    } finally {
      if (isLost) this.#lost--;
    }
    if (isLost) throw tokenLostError();
  }

  /**
   * Signs out the identity of a session, or all sessions. Starts the core if it is not running, because the store may
   * have a token of before.
   *
   * @param {SessionHandle} handle
   * @param {boolean} isWhole
   * @param {unknown} publicObject
   * @returns {Promise<void>}
   */
  clear(handle, isWhole, publicObject) {
    this.#discard(handle, isWhole);
    return this.#signOut(handle, isWhole, publicObject, (native, end) => {
      if (isWhole) native.clearAll(end);
      else native.clear(handle, end);
    });
  }

  /**
   * Removes the cached tokens at a sign-out.
   *
   * @param {SessionHandle} handle
   * @param {boolean} isWhole
   */
  #discard(handle, isWhole) {
    // The core notifies the handles of its sessions. One that crashed has lost them, and their handles keep the tokens.
    if (isWhole || !this.#runtime.core.isRunning) this.#signOutHandles();
    else this.#signOutLost();
    handle.signedOut();
  }

  /**
   * @param {SessionHandle} handle
   * @param {boolean} isWhole
   * @param {unknown} publicObject
   * @param {(native: NativeManager, end: (failure: any) => void) => void} start
   * @returns {Promise<void>}
   */
  #signOut(handle, isWhole, publicObject, start) {
    const runtime = this.#runtime;
    /** @type {Send} */
    const send = (native, call) => {
      const end = (/** @type {any} */ failure) =>
        failure === undefined
          ? runtime.calls.resolve(call, undefined)
          : runtime.calls.reject(call, errorOf(failure));
      start(native, end);
      // The identity of a session is not announced, and signing out all sessions would also replace their records.
      if (isWhole || !runtime.hasStore) runtime.pageSignOuts?.announce();
    };
    return runtime.addCall(handle, send, undefined, () => undefined, publicObject, this.#signOut);
  }

  /**
   * Follows a sign-out of another page. Also with a store: the other page may not have all of these sessions, and the
   * store may fail, or be one that pages do not share.
   */
  signedOutElsewhere() {
    this.#signOutHandles();
    this.#runtime.withCore((core) => core.clearAll(() => {}));
  }

  /** Follows a sign-out that a page may have missed while it was in the back/forward cache. */
  mayHaveMissed() {
    if (!this.#runtime.hasStore) return this.signedOutElsewhere();
    for (const handle of this.#runtime.handles()) this.#runtime.withCore((core) => core.storeChanged(handle));
  }

  #signOutHandles() {
    for (const handle of this.#runtime.handles()) handle.signedOut();
  }

  #signOutLost() {
    for (const handle of this.#runtime.handles()) if (handle.hasLostToken) handle.signedOut();
  }
}

/** Returns the error of a revocation that lost its tokens by a crash of the core. */
function tokenLostError() {
  return new TokenError(
    "internal",
    "the WebAssembly core crashed and lost the token, which is discarded here but was not revoked",
    { retryable: false },
  );
}
