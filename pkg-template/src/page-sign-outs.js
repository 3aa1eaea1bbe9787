// Sign-outs in other pages of the origin.

import { ignoringErrors } from "./ignoring-errors.js";

/** Prefix of all channel names. */
const NAME = "graphql-token-manager:signed-out:";

/** Returns whether this realm is that of a page. */
export function isPage() {
  return Boolean(/** @type {any} */ (globalThis).document);
}

/**
 * Announces the sign-outs of a manager to the managers of the same identity in other pages, and reports theirs.
 *
 * The message is empty. An open channel would keep a page out of the back/forward cache, so it is closed meanwhile, and a
 * page that is restored may have missed a sign-out.
 */
export class PageSignOuts {
  #identity;
  #onSignOut;
  #onRestored;
  /** @type {any} */
  #channel = undefined;

  /**
   * @param {string} identity a digest
   * @param {() => void} onSignOut called after a sign-out in another page
   * @param {() => void} onRestored called when the page was restored
   */
  constructor(identity, onSignOut, onRestored) {
    this.#identity = identity;
    this.#onSignOut = onSignOut;
    this.#onRestored = onRestored;
    this.#open();
    this.#each("addEventListener");
  }

  announce() {
    ignoringErrors(() => this.#channel?.postMessage(null));
  }

  close() {
    this.#each("removeEventListener");
    ignoringErrors(() => this.#channel?.close());
    this.#channel = undefined;
  }

  #open() {
    try {
      // Not by its bare name, about which Next warns in builds for its edge runtime.
      const { BroadcastChannel } = globalThis;
      this.#channel = new BroadcastChannel(NAME + this.#identity);
      // In Node with a DOM, an open channel would keep the process running.
      this.#channel.unref?.();
      this.#channel.onmessage = () => this.#onSignOut();
    } catch {
      // BroadcastChannel is unavailable here.
    }
  }

  #onHide = (/** @type {PageTransitionEvent} */ { persisted }) => {
    if (persisted) ignoringErrors(() => this.#channel?.close());
  };

  #onShow = (/** @type {PageTransitionEvent} */ { persisted }) => {
    if (!persisted) return;
    this.#open();
    this.#onRestored();
  };

  /** @param {"addEventListener" | "removeEventListener"} method */
  #each(method) {
    ignoringErrors(() => globalThis[method]?.("pagehide", /** @type {any} */ (this.#onHide)));
    ignoringErrors(() => globalThis[method]?.("pageshow", /** @type {any} */ (this.#onShow)));
  }
}
