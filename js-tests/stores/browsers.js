/**
 * Tabs of real browsers, in which the stores of the packed package run: Chromium through Playwright, Firefox and
 * WebKitGTK through WebDriver.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { freePort, listening, portOf } from "../support/server.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { until } from "../support/waiting.js";
import { said } from "./support.js";

/** Registers cleanup: a test context, or `node:test`. @typedef {{ after: (end: () => unknown) => void }} Ending */
/** A function that runs in a tab. Its only input is its argument. @typedef {(given: any) => any} Script */
/**
 * @typedef {object} Tab
 * @property {(script: Script, given?: unknown) => Promise<any>} run
 * @property {() => Promise<void>} close
 * @property {() => Promise<void>} [freeze] Freezes the page: timers stop, and its locks remain.
 *
 * @typedef {object} Browser
 * @property {(url: string, isReady?: Script) => Promise<Tab>} tab Opens a tab and waits until the page is ready, by
 *   default as pages of {@link siteFor} indicate.
 * @property {(origin: string, bytes: number) => Promise<void>} [limit] Limits the storage of an origin.
 * @property {(origin: string) => Promise<void>} [clear] Clears the data of an origin, as the browser's settings do.
 */

/** A host name that browsers do not treat as a secure context, unlike 127.0.0.1. */
const INSECURE = "insecure.test";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FIREFOX = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const WEBKIT = process.env.WEBKIT ?? "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

const folder = dirname(createRequire(import.meta.url).resolve("graphql-token-manager/package.json"));
const sharing = fileURLToPath(new URL("../sharing/", import.meta.url));

/**
 * Starts a site with a separate origin and thus separate storage. Its pages have `stores`, `storeChecks`,
 * `TokenManager` and the callers; it is available at `secure`, at `insecure`, and as `sandboxed`, where a page has an
 * opaque origin.
 * @param {Ending} t
 */
export async function siteFor(t) {
  const server = createServer(async (request, response) => {
    const path = `${request.url}`;
    const [, place, name] = /^\/(stores|testing|dist|sharing)\/([\w-]+\.js)$/.exec(path) ?? [];
    if (place !== undefined && name !== undefined) {
      response.writeHead(200, { "content-type": "text/javascript" });
      response.end(await readFile(place === "sharing" ? join(sharing, name) : join(folder, place, name)));
      return;
    }
    const policy = path === "/sandboxed" ? { "content-security-policy": "sandbox allow-scripts" } : {};
    // A sandboxed page has an opaque origin, so it requires CORS to load modules.
    response.writeHead(200, { "content-type": "text/html", "access-control-allow-origin": "*", ...policy });
    response.end(PAGE);
  });
  server.prependListener("request", (_request, response) => {
    response.setHeader("access-control-allow-origin", "*");
  });
  const secure = await listening(t, server);
  return { secure, insecure: `http://${INSECURE}:${portOf(server)}`, sandboxed: `${secure}/sandboxed` };
}

/** The page of the site. It records messages to any channel. */
const PAGE = `<!doctype html><title>A tab</title><script>
  window.posted = [];
  const post = BroadcastChannel.prototype.postMessage;
  BroadcastChannel.prototype.postMessage = function (message) {
    posted.push(JSON.stringify(message));
    return post.call(this, message);
  };
  window.soon = () => Date.now() + 3600000;
  window.leaseInTime = async (store, key, ttlMs = 60000) => {
    for (let tries = 0; tries < 40000; tries += 1) {
      const lease = await store.acquire(key, ttlMs);
      if (lease !== undefined) return lease;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error("timed out waiting for a lease");
  };
</script><script type="module">
  import * as stores from "/stores/web.js";
  import { storeChecks } from "/testing/store-checks.js";
  import { TokenManager } from "/dist/index.js";
  import { startCallers } from "/sharing/callers.js";
  import { stepping } from "/sharing/stepping.js";
  const kinds = {
    localStorage: () => stores.webStorageStore(() => localStorage),
    sessionStorage: () => stores.webStorageStore(() => sessionStorage),
    indexedDb: () => stores.indexedDbStore(),
    encrypted: () => stores.indexedDbStore({ name: "encrypted", encrypt: true }),
  };
  Object.assign(window, { stores, storeChecks, TokenManager, startCallers, stepping });
  window.open = (kind) => kinds[kind]();
</script>`;

const IS_READY = () => "stepping" in window;

/**
 * @param {Ending} t
 * @returns {Promise<Browser>}
 */
export async function chromiumFor(t) {
  const args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  args.push("--disable-background-networking", "--disable-component-update", "--disable-sync");
  args.push("--disable-dev-shm-usage", `--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args, timeout: TEST_TIMEOUT_MS });
  t.after(() => browser.close());
  const context = await browser.newContext();
  context.setDefaultTimeout(TEST_TIMEOUT_MS);
  const protocol = async () => context.newCDPSession(await context.newPage());
  return {
    tab: async (url, isReady = IS_READY) => {
      const page = await context.newPage();
      await page.goto(url);
      await page.waitForFunction(isReady);
      const freeze = async () => {
        const session = await context.newCDPSession(page);
        // Headless Chromium cannot freeze a tab. A tab paused by the debugger runs nothing and keeps its locks, as a
        // frozen one does.
        await session.send("Debugger.enable");
        await session.send("Debugger.pause");
      };
      return { run: (script, given) => page.evaluate(script, given), close: () => page.close(), freeze };
    },
    limit: async (origin, quotaSize) => {
      await (await protocol()).send("Storage.overrideQuotaForOrigin", { origin, quotaSize });
    },
    clear: async (origin) => {
      await (await protocol()).send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
    },
  };
}

/**
 * @param {Ending} t
 * @param {"private"} [windows]
 * @returns {Promise<Browser>}
 */
export async function firefoxFor(t, windows) {
  const driver = process.env.GECKODRIVER;
  if (driver === undefined)
    throw new Error("set GECKODRIVER to the path of geckodriver, as `cargo xtask test` does");
  const child = spawn(driver, ["--port", "0", "--websocket-port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [, port] = await said(child, /Listening on [^:]+:(\d+)/);
  const session = new Session(`http://127.0.0.1:${port}/session`);
  t.after(async () => {
    await session.end();
    child.kill();
  });
  const args = ["-headless", ...(windows === "private" ? ["-private"] : [])];
  const prefs = { "network.dns.localDomains": INSECURE };
  await session.start({ "moz:firefoxOptions": { binary: FIREFOX, args, prefs } });
  return { tab: (url, isReady) => session.tab(url, isReady) };
}

/**
 * Starts WebKitGTK's browser on a virtual screen, because it has no headless mode.
 *
 * @param {Ending} t
 * @returns {Promise<Browser>}
 */
export async function webkitFor(t) {
  const screen = spawn("Xvfb", ["-displayfd", "1", "-nolisten", "tcp"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.after(() => screen.kill());
  const [, number] = await said(screen, /^(\d+)\n/);
  const port = await freePort();
  const env = { ...process.env, DISPLAY: `:${number}` };
  const driver = spawn("WebKitWebDriver", [`--port=${port}`], { env, stdio: "ignore" });
  const session = new Session(`http://127.0.0.1:${port}/session`);
  t.after(async () => {
    await session.end();
    driver.kill();
  });
  const isServing = async () => (await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined))?.ok;
  await until(isServing, "the driver responds");
  await session.start({ "webkitgtk:browserOptions": { binary: WEBKIT, args: ["--automation"] } });
  return { tab: (url, isReady) => session.tab(url, isReady) };
}

/** A WebDriver session. WebDriver controls one tab at a time. */
class Session {
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();
  /** The initial tab, which stays open until the end. */
  home = "";

  /** @param {string} url */
  constructor(url) {
    this.url = url;
  }

  /** @param {object} capabilities */
  async start(capabilities) {
    const { sessionId } = await this.#ask("POST", "", {
      capabilities: {
        alwaysMatch: { timeouts: { script: TEST_TIMEOUT_MS, pageLoad: TEST_TIMEOUT_MS }, ...capabilities },
      },
    });
    this.url += `/${sessionId}`;
    this.home = await this.#ask("GET", "/window");
  }

  async end() {
    await this.#ask("DELETE", "").catch(() => {});
  }

  /**
   * @param {string} url
   * @param {Script} [isReady]
   * @returns {Promise<Tab>}
   */
  async tab(url, isReady = IS_READY) {
    const handle = await this.#alone(async () => {
      // The current tab may be closed.
      await this.#ask("POST", "/window", { handle: this.home });
      const { handle } = await this.#ask("POST", "/window/new", { type: "tab" });
      await this.#ask("POST", "/window", { handle });
      await this.#ask("POST", "/url", { url });
      return handle;
    });
    /** @type {Tab} */
    const tab = {
      run: async (script, given) => {
        const { result, failure } = await this.#alone(async () => {
          await this.#ask("POST", "/window", { handle });
          return this.#ask("POST", "/execute/async", { script: asynchronous(script), args: [given] });
        });
        if (failure !== undefined) throw new Error(failure);
        return result;
      },
      close: () =>
        this.#alone(async () => {
          await this.#ask("POST", "/window", { handle });
          await this.#ask("DELETE", "/window");
        }),
    };
    await until(() => tab.run(isReady), "the page is ready");
    return tab;
  }

  /**
   * Runs actions sequentially.
   * @template T
   * @param {() => Promise<T>} action
   * @returns {Promise<T>}
   */
  #alone(action) {
    const result = this.#last.then(action);
    this.#last = result.catch(() => {});
    return result;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async #ask(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      headers: { "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const { value } = /** @type {any} */ (await response.json());
    if (!response.ok) throw new Error(`WebDriver: ${value.error}: ${value.message}`);
    return value;
  }
}

/** @param {Script} script */
function asynchronous(script) {
  return `const [given, done] = arguments;
    (async () => (${script})(given))().then(
      (result) => done({ result }),
      (error) => done({ failure: String(error) }),
    );`;
}
