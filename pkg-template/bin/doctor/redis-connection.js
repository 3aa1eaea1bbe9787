/**
 * A connection to a Redis server, with the part of its protocol (RESP 2) that `doctor` needs.
 *
 * @module
 */

import { connect } from "node:net";
import { connect as connectTls } from "node:tls";

/** Limit in ms of the connection and of each command. */
const LIMIT_MS = 5_000;

/** An error of the server, as only its code: the rest may repeat an argument. */
class ReplyError extends Error {
  isReply = true;

  /** @param {string} line */
  constructor(line) {
    super("the server answered with an error");
    this.code = /^-([A-Z]+)/.exec(line)?.[1] ?? "ERR";
  }
}

export class RedisConnection {
  #socket;
  #received = "";
  /** Called when data arrives. */
  #arrived = () => {};
  /** @type {Promise<never>} */
  #failed;

  /** @param {URL} url */
  constructor({ protocol, hostname, port }) {
    const address = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
    const isTls = protocol.toLowerCase() === "rediss:";
    this.opened = isTls ? "secureConnect" : "connect";
    this.#socket = isTls ? connectTls({ ...address, servername: hostname }) : connect(address);
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (/** @type {string} */ text) => {
      this.#received += text;
      this.#arrived();
    });
    this.#failed = new Promise((_resolve, reject) => {
      const end = (/** @type {string} */ code) => reject(Object.assign(new Error(code), { code }));
      this.#socket.on("error", (/** @type {NodeJS.ErrnoException} */ error) => end(codeOf(error)));
      this.#socket.on("close", () => end("ECONNRESET"));
      this.#socket.setTimeout(LIMIT_MS, () => end("ETIMEDOUT"));
    });
    // Observed by each command; without one, it must not end the process.
    this.#failed.catch(() => {});
  }

  /** Waits until the connection is open. */
  async open() {
    const opened = new Promise((resolve) => this.#socket.once(this.opened, resolve));
    await Promise.race([opened, this.#failed]);
  }

  /**
   * Runs a command whose reply is one line: a status, an error or a number.
   *
   * @param {...string} args
   */
  async run(...args) {
    const parts = args.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#socket.write(`*${args.length}\r\n${parts.join("")}`);
    while (!this.#received.includes("\r\n")) {
      const arrived = new Promise(
        (/** @type {(value: void) => void} */ resolve) => (this.#arrived = resolve),
      );
      await Promise.race([arrived, this.#failed]);
    }
    const end = this.#received.indexOf("\r\n");
    const line = this.#received.slice(0, end);
    this.#received = this.#received.slice(end + 2);
    if (line.startsWith("-")) throw new ReplyError(line);
    if (!/^[+:]/.test(line)) throw Object.assign(new Error(), { code: "the server does not speak Redis" });
  }

  close() {
    this.#socket.destroy();
  }
}

/** Returns the code of an error, also of one that holds those of several addresses. @param {any} error */
const codeOf = (error) => error.code ?? error.errors?.[0]?.code ?? "unknown";
