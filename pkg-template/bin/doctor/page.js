/**
 * The checks of a page: whether its Content-Security-Policy lets the package work.
 *
 * @module
 */

import { failure, ok, skipped, warning } from "./checks.js";
import { allowsConnection, allowsWasm, governing, parsePolicies, policiesOfPage } from "./csp.js";
import { isHtml, send, shown, unreachable } from "./network.js";

/** @import { Check } from "./checks.js" */
/** @import { Policy } from "./csp.js" */

/** Names of the checks. */
const WASM = "csp wasm";
const CONNECT = "csp connect";

/**
 * @param {string} url
 * @param {readonly string[]} targets Addresses to which the page sends requests.
 * @returns {Promise<Check[]>}
 */
export async function checkPage(url, targets) {
  let answer;
  try {
    answer = await send(url, { headers: { accept: "text/html" }, redirect: "follow" });
  } catch (error) {
    return [unreachable("page", url, error)];
  }
  if (answer.status >= 400 || !isHtml(answer)) {
    const what = answer.type || "no content type";
    return [
      failure(
        "page",
        `${shown(url)} answers HTTP ${answer.status} with ${what}`,
        "give the address of the page as a browser shows it",
      ),
    ];
  }
  const policies = [
    ...parsePolicies(answer.headers.get("content-security-policy") ?? ""),
    ...policiesOfPage(answer.text),
  ];
  const page = new URL(url);
  return [checkWasm(policies), ...checkConnections(policies, page, targets), ...reportOnly(answer.headers)];
}

/**
 * @param {readonly Policy[]} policies
 * @returns {Check}
 */
function checkWasm(policies) {
  if (policies.length === 0) return ok(WASM, "the page has no Content-Security-Policy");
  const blocking = policies.find((policy) => !allowsWasm(policy));
  if (!blocking) return ok(WASM, "the Content-Security-Policy allows WebAssembly");
  const { name, sources } = /** @type {{ name: string, sources: string[] }} */ (
    governing(blocking, "script-src")
  );
  return failure(
    WASM,
    `the Content-Security-Policy forbids WebAssembly: its ${name} has no 'wasm-unsafe-eval'`,
    `send ${directive("script-src", name, sources, "'wasm-unsafe-eval'")}`,
    { code: "wasm_blocked" },
  );
}

/**
 * @param {readonly Policy[]} policies
 * @param {URL} page
 * @param {readonly string[]} targets
 * @returns {Check[]}
 */
function checkConnections(policies, page, targets) {
  if (policies.length === 0) return [];
  if (targets.length === 0) {
    return [skipped(CONNECT, "not checked; give --broker URL, --endpoint URL or --provider as well")];
  }
  return targets.map((target) => {
    const blocking = policies.find((policy) => !allowsConnection(policy, new URL(target), page));
    if (!blocking) return ok(CONNECT, `the Content-Security-Policy allows requests to ${shown(target)}`);
    const { name, sources } = /** @type {{ name: string, sources: string[] }} */ (
      governing(blocking, "connect-src")
    );
    return failure(
      CONNECT,
      `the Content-Security-Policy forbids requests to ${shown(target)}: its ${name} does not list it`,
      `send ${directive("connect-src", name, sources, new URL(target).origin)}`,
      { code: "network" },
    );
  });
}

/**
 * Returns the directive that would allow more. One that was inherited from `default-src` is written out.
 *
 * @param {string} wanted
 * @param {string} name
 * @param {readonly string[]} sources
 * @param {string} source
 */
function directive(wanted, name, sources, source) {
  const kept = sources.filter((one) => one.toLowerCase() !== "'none'" && !/^'nonce-/i.test(one));
  const nonce = sources.some((one) => /^'nonce-/i.test(one)) ? ["'nonce-…'"] : [];
  const text = [wanted, ...nonce, ...kept, source].join(" ");
  const more = name === "default-src" ? `, beside ${name}` : "";
  return text.length > 300 ? `${source} in ${wanted} as well` : `\`${text}\`${more}`;
}

/**
 * @param {Headers} headers
 * @returns {Check[]}
 */
function reportOnly(headers) {
  const policies = parsePolicies(headers.get("content-security-policy-report-only") ?? "");
  if (policies.every(allowsWasm)) return [];
  return [
    warning(
      WASM,
      "Content-Security-Policy-Report-Only, which blocks nothing yet, has no 'wasm-unsafe-eval'",
      "add it before the policy is enforced",
    ),
  ];
}
