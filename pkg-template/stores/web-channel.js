// Notifies the other tabs of an origin that a key changed, without its value.

/** Prefix of all channel names. */
const NAME = "graphql-token-manager:changed:";

export class Channel {
  /** @type {BroadcastChannel | undefined} */
  #channel;

  /**
   * @param {string} scope Shared by the tabs that receive the notices.
   * @param {(key: string) => void} [heard]
   */
  constructor(scope, heard) {
    try {
      this.#channel = new BroadcastChannel(NAME + scope);
    } catch {
      // BroadcastChannel is unavailable here. Other tabs find the change when they read the store.
      return;
    }
    // In Node, an open channel would keep the process running.
    /** @type {{ unref?: () => void }} */ (/** @type {unknown} */ (this.#channel)).unref?.();
    if (heard === undefined) return;
    this.#channel.onmessage = ({ data }) => {
      if (typeof data === "string") heard(data);
    };
  }

  /**
   * Notifies all other channels of the same name.
   * @param {string} key
   */
  post(key) {
    try {
      this.#channel?.postMessage(key);
    } catch {
      // The channel was closed with its page.
    }
  }

  close() {
    this.#channel?.close();
  }
}
