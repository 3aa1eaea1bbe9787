// The page: sends requests to Fluz with tokens from the server's broker. It contains no secrets.

import { TokenError, TokenManager } from "/graphql-token-manager.js";

const OFFERS = "{ getOffers(limit: 6) { offerId merchant } }";

const { endpoint } = await (await fetch("/config.json")).json();

/** One manager per visitor; it is closed at sign-out. */
let tokens = open();

element("load").addEventListener("click", load);
element("sign-in").addEventListener("click", () => enter("/sign-in"));
element("sign-out").addEventListener("click", () => enter("/sign-out"));
setInterval(show, 500);
await load();

function open() {
  const tokens = new TokenManager({ provider: "broker", url: "/token", endpoint, api: "fluz" });
  tokens.on("token", ({ reason }) => note(`a token from the broker (${reason})`));
  tokens.on("error", ({ error }) => note(`no token: ${error.code}`));
  return tokens;
}

/** @param {string} path */
async function enter(path) {
  await fetch(path, { method: "POST" });
  await tokens.close();
  tokens = open();
  await load();
}

async function load() {
  try {
    /** @type {{ getOffers: { merchant: string }[] }} */
    const { getOffers } = await tokens.request(OFFERS);
    element("offers").replaceChildren(
      ...getOffers.map(({ merchant }) =>
        Object.assign(document.createElement("li"), { textContent: merchant }),
      ),
    );
    document.body.className = "known";
    note(`${getOffers.length} offers from the API`);
  } catch (error) {
    // The broker received no valid session cookie.
    const isStranger = TokenError.is(error) && error.code === "invalid_credentials";
    document.body.className = isStranger ? "stranger" : "known";
    if (isStranger) element("offers").replaceChildren();
    else note(`no offers: ${error}`);
  }
  show();
}

function show() {
  const { state, expiresInMs = 0, grants } = tokens.status();
  const seconds = Math.floor(expiresInMs / 1000);
  const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  element("token").textContent = state === "empty" ? "none" : `${state}, ${left} left`;
  element("grants").textContent = String(grants);
}

/** @param {string} text */
function note(text) {
  const line = document.createElement("li");
  line.textContent = `${new Date().toLocaleTimeString("en-GB")}  ${text}`;
  element("events").prepend(line);
}

/** @param {string} id @returns {HTMLElement} */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
