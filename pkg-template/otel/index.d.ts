/**
 * Spans and metrics of OpenTelemetry. Needs the package `@opentelemetry/api`.
 *
 * @packageDocumentation
 */

import type { MeterProvider, TracerProvider } from "@opentelemetry/api";
import type { TokenManager } from "graphql-token-manager";

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /**
   * The manager whose events are counted, required where there is no `node:diagnostics_channel`, as in browsers. Elsewhere
   * all managers of the process are observed, and it is not used.
   *
   * @defaultValue none
   */
  manager?: TokenManager | undefined;
  /**
   * Creates the tracer.
   *
   * @defaultValue the global provider
   */
  tracerProvider?: TracerProvider | undefined;
  /**
   * Creates the meter.
   *
   * @defaultValue the global provider
   */
  meterProvider?: MeterProvider | undefined;
}

/**
 * Records a span for each grant, and metrics, until the returned function is called. Call it once, after the providers
 * are registered: each call adds its own records.
 *
 * A span belongs to the caller that caused the grant. A background refresh starts a trace. No record has a token, a secret,
 * an address or a session; of the endpoint, they have the host and the port.
 *
 * @returns a function that ends the recording
 * @throws TypeError for an unknown option, and without `manager` where there is no `node:diagnostics_channel`
 * @example
 * ```ts
 * import { instrument } from "graphql-token-manager/otel";
 *
 * const end = instrument();
 * ```
 */
export function instrument(options?: InstrumentOptions): () => void;
