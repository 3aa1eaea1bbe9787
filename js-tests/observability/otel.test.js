// `graphql-token-manager/otel` with the SDK of OpenTelemetry.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { SpanKind, SpanStatusCode, context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { TokenError } from "graphql-token-manager";
import { instrument } from "graphql-token-manager/otel";

import { simulatedTime } from "../support/simulated-time.js";
import { next } from "../support/waiting.js";
import { SECRETS, planted, storeWithLease } from "./support.js";

/** @import { TestContext } from "node:test" */

/**
 * Records spans and metrics in memory until the end of the test.
 * @param {TestContext} t
 * @param {import("graphql-token-manager/otel").InstrumentOptions} [options]
 */
function recorded(t, options) {
  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const end = instrument({ ...options, tracerProvider, meterProvider });
  t.after(async () => {
    end();
    context.disable();
    await meterProvider.shutdown();
  });
  return {
    end,
    tracer: tracerProvider.getTracer("test"),
    spans: () => spans.getFinishedSpans(),
    /** Returns the metrics: for each name, its data points. */
    metrics: async () => {
      await reader.forceFlush();
      const [scope] = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
      /** @type {Record<string, { attributes: any, value: any }[]>} */
      const metrics = {};
      for (const { descriptor, dataPoints } of scope?.metrics ?? []) {
        metrics[descriptor.name.replace("graphql_token_manager.", "")] = dataPoints.map(
          ({ attributes, value }) => ({ attributes, value }),
        );
      }
      return metrics;
    },
  };
}

test("a grant is a client span of the caller that caused it", async (t) => {
  const { tracer, spans } = recorded(t);
  const tokens = planted(t, { store: storeWithLease() });
  const caller = tracer.startSpan("caller");
  await context.with(trace.setSpan(context.active(), caller), () => tokens.getToken());
  caller.end();

  const [grant] = spans();
  assert.equal(grant?.name, "token grant");
  assert.equal(grant?.kind, SpanKind.CLIENT);
  assert.equal(grant?.parentSpanContext?.spanId, caller.spanContext().spanId);
  assert.deepEqual(grant?.attributes, {
    "graphql_token_manager.provider": "acme",
    "server.address": "acme.test",
    "graphql_token_manager.reason": "initial",
    "graphql_token_manager.presents": "credentials",
    "graphql_token_manager.outcome": "answered",
  });
});

test("a background refresh starts a trace of its own", async (t) => {
  const time = simulatedTime(t);
  const { tracer, spans } = recorded(t);
  const tokens = planted(t, { refresh: "always" });
  const caller = tracer.startSpan("caller");
  await context.with(trace.setSpan(context.active(), caller), () => tokens.getToken());
  const refreshed = next(tokens, "token");
  time.next();
  await refreshed;

  const [initial, refresh] = spans();
  assert.equal(initial?.spanContext().traceId, caller.spanContext().traceId);
  assert.equal(refresh?.parentSpanContext, undefined);
  assert.notEqual(refresh?.spanContext().traceId, caller.spanContext().traceId);
  assert.equal(refresh?.attributes["graphql_token_manager.reason"], "proactive");
});

test("a failed grant has the error's code and status, and its retry the number of the resend", async (t) => {
  const { spans, metrics } = recorded(t);
  let isFirst = true;
  const grant = () => {
    if (!isFirst) return { accessToken: "planted-token", expiresInMs: 60_000 };
    isFirst = false;
    throw new TokenError("rate_limited", "later", { status: 429 });
  };
  await planted(t, {}, { grant }).getToken();

  const [failed, answered] = spans();
  assert.equal(failed?.status.code, SpanStatusCode.ERROR);
  assert.equal(failed?.attributes["error.type"], "rate_limited");
  assert.equal(failed?.attributes["http.response.status_code"], 429);
  assert.equal(failed?.attributes["http.request.resend_count"], undefined);
  assert.equal(answered?.attributes["http.request.resend_count"], 1);
  const { failures } = await metrics();
  assert.deepEqual(
    failures?.map(({ attributes, value }) => [attributes["error.type"], value]),
    [["rate_limited", 1]],
  );
});

test("metrics count refreshes, waiting callers, rejections, replays, leases and evictions", async (t) => {
  const { metrics } = recorded(t);
  const rejects = { token: "" };
  const tokens = planted(t, { store: storeWithLease(), sessions: { max: 1 } }, { rejects });
  [rejects.token = ""] = await Promise.all([tokens.getToken(), tokens.getToken(), tokens.getToken()]);
  await tokens.fetch("https://acme.test/graphql");
  await tokens.session({ userId: "u1" }).getToken();
  await tokens.session({ userId: "u2" }).getToken();

  const { waits, refreshes, rejections, replays, leases, evictions, ...others } = await metrics();
  const sum = (/** @type {{ value: number }[] | undefined} */ points) =>
    points?.reduce((total, { value }) => total + value, 0);
  assert.equal(sum(waits), 6);
  assert.deepEqual(
    refreshes?.map(({ attributes, value }) => [attributes["graphql_token_manager.reason"], value]),
    [["refused", 1]],
  );
  assert.equal(sum(rejections), 1);
  assert.equal(sum(replays), 1);
  assert.equal(sum(leases), 8);
  assert.ok((sum(evictions) ?? 0) >= 1);
  const durations = others["grant.duration"] ?? [];
  assert.equal(
    durations.reduce((total, { value }) => total + value.count, 0),
    4,
  );
});

test("spans and metrics have no token, no secret, no session and no address", async (t) => {
  const { spans, metrics } = recorded(t);
  const rejects = { token: "" };
  const tokens = planted(t, { store: storeWithLease() }, { rejects });
  rejects.token = await tokens.getToken();
  await tokens.fetch("https://acme.test/graphql?key=planted-key");
  await tokens.session({ password: "planted-password" }).getToken();

  const shown = spans().map(({ name, attributes, status, events }) => ({ name, attributes, status, events }));
  const text = JSON.stringify([shown, await metrics()]);
  assert.ok(text.length > 500);
  for (const secret of [...SECRETS, "/graphql", "password"]) assert.ok(!text.includes(secret), secret);
});

test("the returned function ends the recording", async (t) => {
  const { end, spans } = recorded(t);
  end();
  await planted(t).getToken();

  assert.equal(spans().length, 0);
});

test("without channels, the events of the manager are counted, and the manager is required", async (t) => {
  t.mock.method(process, "getBuiltinModule", () => undefined);
  assert.throws(() => instrument(), TypeError);

  const tokens = planted(t);
  const { metrics } = recorded(t, { manager: tokens });
  await tokens.getToken();
  await tokens.refresh();
  const { refreshes } = await metrics();

  assert.deepEqual(refreshes, [{ attributes: { "graphql_token_manager.reason": "forced" }, value: 1 }]);
});

test("the form for require has the same function", () => {
  const required = createRequire(import.meta.url)("graphql-token-manager/otel");

  assert.deepEqual(Object.keys(required), ["instrument"]);
});
