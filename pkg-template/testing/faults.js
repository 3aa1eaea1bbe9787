/**
 * The active faults, and the selection of the one that applies at a step.
 *
 * The steps and the effect of each fault are in `respond.js`.
 *
 * @module
 */

/** @import { FaultKind, FaultSpec, ProviderName } from "./index.js" */

/**
 * The properties of a request that faults are matched against.
 * @typedef {object} Asked
 * @property {ProviderName} provider
 * @property {readonly string[]} rootFields The fields that the operation calls, without aliases.
 */

/**
 * A fault that applies, distinguished by `kind`.
 * @template {FaultKind} K
 * @typedef {Extract<FaultSpec, { kind: K }>} FaultOf
 */

export class Faults {
  /** Oldest first. @type {Set<{ spec: FaultSpec, left: number }>} */
  #active = new Set();

  /**
   * @param {FaultSpec} spec A validated fault.
   * @returns {() => void} Removes the fault.
   */
  add(spec) {
    const fault = { spec, left: spec.times ?? Infinity };
    this.#active.add(fault);
    return () => {
      this.#active.delete(fault);
    };
  }

  /**
   * Returns the oldest active fault of these kinds that matches, and counts its use. Faults that do not match are not
   * counted.
   * @template {FaultKind} K
   * @param {Asked} asked
   * @param {readonly K[]} kinds
   * @param {(spec: FaultOf<K>) => boolean} [applies]
   * @returns {FaultOf<K> | undefined}
   */
  take(asked, kinds, applies = () => true) {
    for (const fault of this.#active) {
      const { spec } = fault;
      if (!isOneOf(spec, kinds) || !matches(spec, asked) || !applies(spec)) continue;
      fault.left -= 1;
      if (fault.left <= 0) this.#active.delete(fault);
      return spec;
    }
    return undefined;
  }
}

/**
 * @template {FaultKind} K
 * @param {FaultSpec} spec
 * @param {readonly K[]} kinds
 * @returns {spec is FaultOf<K>}
 */
function isOneOf(spec, kinds) {
  return kinds.some((kind) => kind === spec.kind);
}

/**
 * @param {FaultSpec} spec
 * @param {Asked} asked
 */
function matches({ provider, operation }, asked) {
  if (provider !== undefined && provider !== asked.provider) return false;
  return operation === undefined || asked.rootFields.includes(operation);
}
