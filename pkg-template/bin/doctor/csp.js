/**
 * The parts of Content Security Policy (CSP Level 3) that decide whether a page can start the core and send requests.
 *
 * @module
 */

/** The sources of each directive, by its name in lower case. @typedef {Map<string, readonly string[]>} Policy */

/**
 * Parses the value of a header, which may hold several policies, or of a `meta` element.
 *
 * @param {string} value
 * @returns {Policy[]}
 */
export function parsePolicies(value) {
  return value
    .split(",")
    .map((text) => {
      const policy = new Map();
      for (const part of text.split(";")) {
        const [name = "", ...sources] = part.trim().split(/\s+/);
        // The first of several directives of one name counts.
        if (name !== "" && !policy.has(name.toLowerCase())) policy.set(name.toLowerCase(), sources);
      }
      return policy;
    })
    .filter((policy) => policy.size > 0);
}

const META = /<meta\b[^>]*http-equiv\s*=\s*["']?content-security-policy["'\s][^>]*>/gi;

/**
 * Returns the policies of the `meta` elements of a page.
 *
 * @param {string} html
 * @returns {Policy[]}
 */
export function policiesOfPage(html) {
  // Elements in comments have no effect.
  const elements = html.replaceAll(/<!--.*?-->/gs, "").match(META) ?? [];
  return elements.flatMap((element) => {
    const [, double, single] = /\bcontent\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(element) ?? [];
    return parsePolicies((double ?? single ?? "").replaceAll("&#39;", "'").replaceAll("&quot;", '"'));
  });
}

/**
 * Returns the directive that governs another, with its sources. Undefined if everything is allowed.
 *
 * @param {Policy} policy
 * @param {string} directive
 */
export function governing(policy, directive) {
  const name = policy.has(directive) ? directive : "default-src";
  const sources = policy.get(name);
  return sources && { name, sources };
}

/** Returns whether a policy lets WebAssembly be compiled. @param {Policy} policy */
export function allowsWasm(policy) {
  const sources = governing(policy, "script-src")?.sources.map((source) => source.toLowerCase());
  return !sources || sources.includes("'wasm-unsafe-eval'") || sources.includes("'unsafe-eval'");
}

/**
 * Returns whether a policy lets a page send requests to an address.
 *
 * @param {Policy} policy
 * @param {URL} url
 * @param {URL} page
 */
export function allowsConnection(policy, url, page) {
  const sources = governing(policy, "connect-src")?.sources;
  return !sources || sources.some((source) => matches(source, url, page));
}

/** @param {string} source @param {URL} url @param {URL} page */
function matches(source, url, page) {
  if (source === "*") return /^(?:https?|wss?):$/.test(url.protocol) || url.protocol === page.protocol;
  if (source.toLowerCase() === "'self'") {
    return url.hostname === page.hostname && isScheme(page.protocol, url) && isPort(page.port, url, page);
  }
  const [, scheme] = /^([a-z][a-z\d+.-]*):$/i.exec(source) ?? [];
  if (scheme) return isScheme(`${scheme.toLowerCase()}:`, url);
  const pattern = /^(?:([a-z][a-z\d+.-]*):\/\/)?(\*|(?:\*\.)?[^:/*]+)(?::(\d+|\*))?(\/.*)?$/i;
  const [whole, protocol, host = "", port = "", path = ""] = pattern.exec(source) ?? [];
  if (whole === undefined) return false;
  return (
    isScheme(protocol ? `${protocol.toLowerCase()}:` : page.protocol, url) &&
    isHost(host.toLowerCase(), url) &&
    isPort(port, url, page) &&
    isPath(path, url)
  );
}

/** A source may be upgraded to the secure scheme. @param {string} scheme @param {URL} url */
const isScheme = (scheme, { protocol }) =>
  scheme === protocol || (scheme === "http:" && protocol === "https:");

/** @param {string} host @param {URL} url */
function isHost(host, { hostname }) {
  if (host === "*") return true;
  return host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : host === hostname;
}

/** @param {string} port Empty for the default one. @param {URL} url @param {URL} page */
function isPort(port, url, page) {
  if (port === "*" || port === url.port) return true;
  const defaults = url.protocol === "https:" ? ["443", "80"] : ["80"];
  return url.port === "" && (port === "" || defaults.includes(port)) && page.protocol !== "file:";
}

/** @param {string} path @param {URL} url */
function isPath(path, { pathname }) {
  if (path === "" || path === "/") return true;
  return path.endsWith("/") ? pathname.startsWith(path) : pathname === path;
}
