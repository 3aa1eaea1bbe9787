/**
 * Interruptions that only some servers can be made to have: a database that is down, and tokens that end under load.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { managerFor } from "../support/setup.js";
import { failure, next } from "../support/waiting.js";
import { placeFor } from "./place.js";
import { Wire } from "./wire.js";

/** @import { Description } from "./scenarios.js" */
/** @import { Place } from "./place.js" */

/**
 * Registers the test of a server with a database that can be stopped.
 *
 * @param {string} name of its folder
 * @param {Description} server
 * @param {object} database
 * @param {(place: Place) => Promise<unknown>} database.stop
 * @param {(place: Place) => Promise<unknown>} database.start
 */
export function testOutage(name, server, { stop, start }) {
  test(`a log-in while the database of ${server.title} is down is retried`, async (t) => {
    const place = await placeFor(name);
    t.after(() => place.remove());
    await server.start(place, true);
    await stop(place);
    const once = managerFor(t, { ...server.options(place.url), retry: { attempts: 1 } });
    const retry = { attempts: 100, baseMs: 200, maxMs: 1_000 };
    const patient = managerFor(t, { ...server.options(place.url), retry });

    assert.equal((await failure(once.getToken())).code, "server");
    const token = patient.getToken();
    await next(patient, "retry");
    await start(place);

    assert.notEqual(await token, "");
  });
}

/**
 * Registers the test of a server that rejects the token of an ended session.
 *
 * @param {string} name of its folder
 * @param {Description} server with `endSession`
 */
export function testEndingUnderLoad(name, server) {
  test(`50 requests with an ended token of ${server.title} are repeated with one new token`, async (t) => {
    const place = await placeFor(name);
    t.after(() => place.remove());
    await server.start(place, true);
    const options = server.options(place.url);
    const wire = new Wire(options["provider"]);
    const tokens = managerFor(t, { fetch: wire.fetch, ...options });
    const token = await tokens.getToken();
    await server.endSession?.({ url: place.url, token, grant: wire.lastGrant });
    const before = wire.grants.length;

    const results = await Promise.all(Array.from({ length: 50 }, () => tokens.request(server.query)));

    assert.ok(results.every(server.isPermitted));
    assert.equal(wire.requests, 100);
    const [last, ...earlier] = wire.grants.slice(before).reverse();
    assert.equal(last, server.first ?? "login");
    // A renewal, or a first refresh token, that was rejected because its session has ended.
    assert.ok(earlier.length <= 1, `${earlier.length + 1} grants`);
  });
}
