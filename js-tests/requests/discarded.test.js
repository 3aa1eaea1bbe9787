// A response that rejects a token or redirects is discarded before the next request, because it is never read.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, test } from "node:test";

import { failure } from "../support/waiting.js";
import { POST, countedFor } from "./support.js";

const ENDPOINT = "https://api.test/graphql";

/**
 * Responses with endless bodies, which report when they are discarded. Without a target they reject the token.
 *
 * @type {Record<string, (onCancel: () => void, location?: string) => any>}
 */
const REJECTIONS = {
  "a web stream": (onCancel, location) =>
    new Response(new ReadableStream({ cancel: onCancel }), head(location)),
  // As in node-fetch.
  "one of Node's streams": (onCancel, location) => {
    const body = new Readable({ read() {} }).on("close", onCancel);
    const { status, headers } = head(location);
    return {
      status,
      headers: new Headers(headers),
      url: ENDPOINT,
      type: "default",
      body,
      text: async () => "",
    };
  },
};

/** @param {string} [location] @returns {{ status: number, headers: Record<string, string> }} */
const head = (location) =>
  location === undefined ? { status: 401, headers: {} } : { status: 307, headers: { location } };

for (const [name, rejection] of Object.entries(REJECTIONS)) {
  describe(`the body of a rejected response, ${name}, is cancelled`, () => {
    for (const [when, location, expected] of /** @type {const} */ ([
      ["before the request is sent with the next token", undefined, 2],
      ["before a redirect is followed", "/elsewhere", 1],
    ])) {
      test(when, async (t) => {
        /** @type {string[]} */
        const steps = [];
        const fetch = async () => {
          // Node streams emit `close` in a later turn.
          await new Promise(setImmediate);
          steps.push("sent");
          return steps.length === 1
            ? rejection(() => steps.push("cancelled"), location)
            : Response.json({ data: { ok: true } });
        };
        const { tokens, counts } = countedFor(t, ENDPOINT, { fetch });

        const response = await tokens.fetch(ENDPOINT, POST);

        assert.equal(response.status, 200);
        assert.deepEqual(steps, ["sent", "cancelled", "sent"]);
        assert.equal(counts.grants, expected);
      });
    }

    test("if no new token can be obtained", async (t) => {
      /** @type {string[]} */
      const steps = [];
      const fetch = async () => (steps.push("sent"), rejection(() => steps.push("cancelled")));
      let grants = 0;
      const grant = () => {
        if (++grants > 1) throw new Error("the vault is closed");
        return { accessToken: "token-1", expiresInMs: 60_000 };
      };
      const { tokens } = countedFor(t, ENDPOINT, { fetch, retry: { attempts: 1 } }, { grant });

      assert.equal((await failure(tokens.fetch(ENDPOINT, POST))).code, "network");
      await new Promise(setImmediate);

      assert.deepEqual(steps, ["sent", "cancelled"]);
    });

    test("unless the response is returned to the caller", async (t) => {
      let isCancelled = false;
      const fetch = async () => rejection(() => (isCancelled = true));
      const { tokens } = countedFor(t, ENDPOINT, { fetch });
      const body = new Blob(["x"]).stream();

      const response = await tokens.fetch(ENDPOINT, /** @type {any} */ ({ ...POST, body, duplex: "half" }));
      await new Promise(setImmediate);

      assert.equal(response.status, 401);
      assert.equal(isCancelled, false);
    });
  });
}
