// Says *that* a key changed to the other tabs of an origin, and never what it is now.

/** What every channel's name starts with. */
const NAME = "graphql-token-manager:changed:";

export class Channel {
  /** @type {BroadcastChannel | undefined} */
  #channel;

  /**
   * @param {string} scope Who is to hear it.
   * @param {(key: string) => void} [heard]
   */
  constructor(scope, heard) {
    try {
      this.#channel = new BroadcastChannel(NAME + scope);
    } catch {
      // There is none, or not in this kind of page: others find the change when they look.
      return;
    }
    // Node's would keep the process running.
    /** @type {{ unref?: () => void }} */ (/** @type {unknown} */ (this.#channel)).unref?.();
    if (heard === undefined) return;
    this.#channel.onmessage = ({ data }) => {
      if (typeof data === "string") heard(data);
    };
  }

  /**
   * Tells all but this channel.
   * @param {string} key
   */
  post(key) {
    try {
      this.#channel?.postMessage(key);
    } catch {
      // It was closed with its page.
    }
  }

  close() {
    this.#channel?.close();
  }
}
