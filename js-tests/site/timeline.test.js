// The timeline of the playground: what is recorded, and what is drawn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { draw, heightOf } from "../../docs/site/playground/devtools/draw.js";
import { TimelineLog } from "../../docs/site/playground/devtools/timeline-log.js";
import { trackTokens } from "../../docs/site/playground/devtools/track.js";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";

const VIEW = { now: 5_000, spanMs: 10_000, width: 1_000 };

/** Returns the attributes `x` and `width` of the rectangles of a class. @param {string} markup @param {string} name */
const bars = (markup, name) =>
  [
    ...markup.matchAll(new RegExp(`<rect class="${name}" x="([\\d.]+)" y="[\\d.]+" width="([\\d.]+)"`, "g")),
  ].map(([, x, width]) => [Number(x), Number(width)]);

test("a token is drawn until it expires or is replaced, and its refresh window within it", () => {
  const log = new TimelineLog(0);
  log.token("a", { at: 1_000, expiresAt: 5_000, refreshAt: 4_000 });
  log.token("a", { at: 4_500, expiresAt: 8_500, refreshAt: 7_500 });

  const markup = draw(log, VIEW);

  assert.deepEqual(bars(markup, "token"), [
    [100, 350],
    [450, 400],
  ]);
  assert.deepEqual(bars(markup, "window"), [
    [400, 50],
    [750, 100],
  ]);
});

test("the visible time moves with the clock, and what is before it is not drawn", () => {
  const log = new TimelineLog(0);
  log.token("a", { at: 0, expiresAt: 1_000 });
  log.token("a", { at: 4_000, expiresAt: 9_000 });

  assert.deepEqual(bars(draw(log, { ...VIEW, now: 15_000 }), "token"), [[0, 400]]);
});

test("calls with one outcome at one place are one dot, and each outcome has a shape of its own", () => {
  const log = new TimelineLog(0);
  for (const outcome of /** @type {const} */ (["served", "waited", "replayed", "failed"]))
    for (let count = 0; count < 3; count++) log.call("a", 2_000)(outcome, 0);
  log.call("a", 2_000);

  const markup = draw(log, VIEW);

  const dots = [...markup.matchAll(/<(circle|path) class="dot (\w+)".*?<title>(\d+) /g)].map((it) =>
    it.slice(1),
  );
  assert.deepEqual(dots, [
    ["circle", "served", "3"],
    ["circle", "waited", "3"],
    ["path", "replayed", "3"],
    ["path", "failed", "3"],
    ["circle", "open", "1"],
  ]);
});

test("the name of a lane is text, and each lane has its height", () => {
  const log = new TimelineLog(0);
  log.lane("<b>&amp;");
  const one = heightOf(log);
  log.lane("second");

  assert.ok(draw(log, VIEW).includes("&lt;b>&amp;amp;"));
  assert.ok(heightOf(log) > one);
});

test("counts add up, and a call that is settled twice counts once", () => {
  const log = new TimelineLog(0);
  const settle = log.call("a", 0);
  log.call("a", 0);
  settle("waited", 40);
  settle("failed", 90);

  assert.deepEqual(log.counts(), {
    ...{ calls: 2, served: 0, waited: 1, replayed: 0, failed: 0 },
    ...{ open: 1, tokens: 0 },
  });
  assert.equal(log.longestWaitMs, 40);
});

test("a manager's tokens, attempts, retries and sign-outs are recorded, without any token", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, fluz(sandbox));
  const log = new TimelineLog(0);
  trackTokens(log, "a", tokens, () => performance.now());
  sandbox.fault({ kind: "status", status: 503, times: 1 });

  const token = await tokens.getToken();
  await tokens.clear();

  const { tokens: bars, attempts } = log.lane("a");
  assert.deepEqual(
    attempts.map(({ result }) => result),
    ["failed", "token"],
  );
  const [bar] = bars;
  assert.ok(bar !== undefined && bar.until !== undefined && bar.until < bar.expiresAt);
  assert.ok(bar.refreshAt !== undefined && bar.refreshAt > bar.from && bar.refreshAt < bar.expiresAt);
  assert.deepEqual(
    log.notes.map(({ text }) => text.replace(/ in \d+ ms/, "")),
    ["retry: server, attempt 2", "token: initial", "cleared"],
  );
  assert.ok(!JSON.stringify([...log.lanes.values(), log.notes]).includes(token));
});
