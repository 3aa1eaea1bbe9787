/**
 * `graphql-token-manager/otel`: spans and metrics of OpenTelemetry, from the diagnostics channels or from the events of a
 * manager.
 *
 * @module
 */

import { SpanKind, SpanStatusCode, metrics, trace } from "@opentelemetry/api";

/** @import { Attributes, Meter, Span, Tracer } from "@opentelemetry/api" */
/** @import { TokenManager } from "graphql-token-manager" */
/** @import { InstrumentOptions } from "./index.js" */

const NAME = "graphql-token-manager";
/** The prefix of names that no semantic convention defines. */
const PREFIX = "graphql_token_manager";

/**
 * @param {InstrumentOptions} [options]
 * @returns {() => void}
 */
export function instrument(options = {}) {
  const { manager, tracerProvider = trace, meterProvider = metrics, ...others } = options;
  if (Object.keys(others).length > 0) {
    throw new TypeError(
      "instrument() does not know an option that was given; known are `manager`, `tracerProvider` and `meterProvider`",
    );
  }
  const instruments = new Instruments(meterProvider.getMeter(NAME));
  const channels = diagnosticsChannel();
  if (channels !== undefined) {
    return subscribe(channels, new Grants(tracerProvider.getTracer(NAME), instruments), instruments);
  }
  if (manager !== undefined) return listen(manager, instruments);
  throw new TypeError(
    "instrument() needs `manager`, because this runtime has no node:diagnostics_channel: instrument({ manager: tokens })",
  );
}

/** @returns {typeof import("node:diagnostics_channel") | undefined} */
function diagnosticsChannel() {
  try {
    return /** @type {any} */ (globalThis).process.getBuiltinModule("node:diagnostics_channel");
  } catch {
    return undefined;
  }
}

/** The metrics. None has the session as an attribute, because there may be many. */
class Instruments {
  /** @param {Meter} meter */
  constructor(meter) {
    this.duration = meter.createHistogram(`${PREFIX}.grant.duration`, {
      description: "Duration of requests for a token.",
      unit: "s",
      advice: { explicitBucketBoundaries: BUCKETS },
    });
    const counter = (
      /** @type {string} */ name,
      /** @type {string} */ unit,
      /** @type {string} */ description,
    ) => meter.createCounter(`${PREFIX}.${name}`, { unit, description });
    this.refreshes = counter("refreshes", "{token}", "New tokens that replaced another one.");
    this.waits = counter("waits", "{call}", "Calls that waited for a grant.");
    this.failures = counter("failures", "{failure}", "Acquisitions and grants that failed.");
    this.rejected = counter("rejections", "{request}", "Requests whose token the API rejected.");
    this.replayed = counter("replays", "{request}", "Requests that were sent again with a new token.");
    this.evicted = counter("evictions", "{session}", "Idle sessions that were removed.");
    this.lease = counter("leases", "{lease}", "Changes of the lease of a shared store.");
    this.warning = counter("warnings", "{warning}", "Warnings.");
  }
}

/** Boundaries in seconds, those of the semantic conventions for HTTP. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Records grants as spans and metrics. */
class Grants {
  /** @type {WeakMap<object, Span>} */
  #spans = new WeakMap();
  #tracer;
  #instruments;

  /** @param {Tracer} tracer @param {Instruments} instruments */
  constructor(tracer, instruments) {
    this.#tracer = tracer;
    this.#instruments = instruments;
  }

  // Published in the context of the caller that caused the grant, whose span is therefore the parent. A background refresh
  // is published outside of any, and starts a trace.
  /** @param {any} message */
  start = (message) => {
    const { presents, attempt } = message;
    const attributes = {
      ...commonOf(message),
      [`${PREFIX}.presents`]: presents,
      ...(attempt > 1 && { "http.request.resend_count": attempt - 1 }),
    };
    const span = this.#tracer.startSpan("token grant", { kind: SpanKind.CLIENT, attributes });
    this.#spans.set(message, span);
  };

  /** @param {any} message */
  asyncEnd = (message) => {
    const { outcome, durationMs, waiting, reason, error } = message;
    const span = this.#spans.get(message);
    const failed = error && { "error.type": String(error.code) };
    const status = typeof error?.status === "number" && { "http.response.status_code": error.status };
    span?.setAttributes({ [`${PREFIX}.outcome`]: outcome, ...failed, ...status });
    if (error) span?.setStatus({ code: SpanStatusCode.ERROR, message: String(error.code) });
    span?.end();
    this.#spans.delete(message);
    const attributes = { ...commonOf(message), ...failed };
    this.#instruments.duration.record(durationMs / 1000, attributes);
    if (error) this.#instruments.failures.add(1, attributes);
    if (outcome !== "answered") return;
    if (waiting > 0) this.#instruments.waits.add(waiting, attributes);
    if (reason !== "initial") this.#instruments.refreshes.add(1, attributes);
  };
}

/**
 * @param {typeof import("node:diagnostics_channel")} channels
 * @param {Grants} grants
 * @param {Instruments} instruments
 */
function subscribe(channels, { start, asyncEnd }, instruments) {
  /** @type {[name: string, listener: (message: any) => void][]} */
  const listeners = [
    ["tracing:graphql-token-manager:grant:start", start],
    ["tracing:graphql-token-manager:grant:asyncEnd", asyncEnd],
  ];
  for (const name of /** @type {const} */ (["rejected", "replayed", "evicted", "lease", "warning"])) {
    const counter = instruments[name];
    listeners.push([`graphql-token-manager:${name}`, (message) => counter.add(1, pointOf(message))]);
  }
  // A subscriber that throws would end the process.
  const safe = listeners.map(([name, listener]) => {
    const subscriber = (/** @type {unknown} */ message) => {
      try {
        listener(message);
      } catch {
        // Telemetry must not affect the program.
      }
    };
    channels.subscribe(name, subscriber);
    return () => channels.unsubscribe(name, subscriber);
  });
  return () => safe.forEach((end) => end());
}

/**
 * Counts the events of a manager, where there are no channels.
 *
 * @param {TokenManager} manager
 * @param {Instruments} instruments
 */
function listen(manager, instruments) {
  const ends = [
    manager.on("token", ({ reason }) => {
      if (reason !== "initial") instruments.refreshes.add(1, { [`${PREFIX}.reason`]: reason });
    }),
    manager.on("retry", ({ code }) => instruments.failures.add(1, { "error.type": code })),
    manager.on("error", ({ error }) => instruments.failures.add(1, { "error.type": error.code })),
    manager.on("warning", ({ code }) => instruments.warning.add(1, { [`${PREFIX}.code`]: code })),
  ];
  return () => ends.forEach((end) => end());
}

/** @param {any} message @returns {Attributes} */
function commonOf({ provider, serverAddress, reason }) {
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(serverAddress ?? "") ?? [];
  return {
    [`${PREFIX}.provider`]: provider,
    ...(host !== "" && { "server.address": host }),
    ...(port !== undefined && { "server.port": Number(port) }),
    ...(reason !== undefined && { [`${PREFIX}.reason`]: reason }),
  };
}

/** @param {any} message @returns {Attributes} */
function pointOf(message) {
  const { state, code, status } = message;
  return {
    ...commonOf(message),
    ...(state !== undefined && { [`${PREFIX}.state`]: state }),
    ...(code !== undefined && { [`${PREFIX}.code`]: code }),
    ...(status !== undefined && { "http.response.status_code": status }),
  };
}
