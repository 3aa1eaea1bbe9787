/**
 * Invalid uses of the command line, one for each message.
 *
 * @module
 */

/** A secret in the wrong place, which no message may contain. */
export const SECRET = "s3cr3t_0f_somebody";

/** The environment of each command. */
export const ENVIRONMENT = { SET: "value", EMPTY: "" };

const TOGGLE = ["token", "--provider", "toggle", "--username", "u"];
const TOGGLE_SET = [...TOGGLE, "--password-env", "SET"];
const FLUZ = [
  ...["token", "--provider", "fluz", "--environment", "sandbox"],
  ...["--user-id", "u", "--account-id", "a"],
];
const BRAINTREE = [
  ...["token", "--provider", "braintree", "--environment", "sandbox", "--client-id", "c"],
  ...["--scopes", "A", "--client-secret-env", "SET"],
];

/** @type {string[][]} */
export const WRONG_COMMANDS = [
  ["tokne"],
  ["--provider", "fluz", "token"],
  ["token"],
  ["token", "--provder", "fluz"],
  ["token", `--${SECRET}`],
  ["token", "--provider", SECRET],
  ["token", SECRET],
  // Secrets as arguments.
  [...FLUZ, "--api-key", SECRET],
  [...FLUZ, `--api-key=${SECRET}`],
  [...FLUZ, "--app-id", "a", "--app-secret", SECRET],
  [...TOGGLE, "--password", SECRET],
  ["token", "--client-secret", SECRET],
  ["watch", "--client-secret", SECRET],
  ["scopes", "--api-key", SECRET],
  [...TOGGLE_SET, "--", SECRET],
  // Missing and superfluous flags.
  TOGGLE,
  ["token", "--provider", "toggle", "--password-env", "SET"],
  [...FLUZ, "--scopes", "A"],
  [...FLUZ, "--scopes", "A", "--app-id", "i"],
  [...FLUZ, "--api-key-env", "SET"],
  ["token", "--provider", "braintree", "--client-id", "c"],
  [...TOGGLE, "--environment", "sandbox"],
  [...TOGGLE, "--client-secret-env", "SET"],
  [...TOGGLE_SET, "--password-env", "SET"],
  [...TOGGLE_SET, "--password-file", "p"],
  // Values.
  [...TOGGLE, "--password-env"],
  [...TOGGLE, "--password-env", "--quiet"],
  [...TOGGLE, "--password-env", SECRET],
  [...TOGGLE, "--password-env", `${SECRET}==`],
  [...TOGGLE, "--password-env", "EMPTY"],
  // Properties of `Object.prototype` are not environment variables.
  ...["toString", "__proto__"].map((name) => [...TOGGLE, "--password-env", name]),
  [...TOGGLE, "--password-file", SECRET],
  [...TOGGLE, "--password-file", "js-tests"],
  [...TOGGLE, "--password-file", "-"],
  // A device is endless, and does not state a size.
  [...TOGGLE, "--password-file", "/dev/zero"],
  ["token", "--profile", "/dev/zero"],
  ["scopes", "/dev/zero", "--provider", "fluz"],
  [...TOGGLE_SET, "--json=yes"],
  [...TOGGLE_SET, "--timeout", "10"],
  [...TOGGLE_SET, "--attempts", "0"],
  [...TOGGLE_SET, "--endpoint", SECRET],
  [...TOGGLE_SET, "--endpoint", "http://api.test/"],
  [...BRAINTREE, "--braintree-version", SECRET],
  ["token", "--profile", SECRET],
  ["token", "--profile", "Cargo.toml"],
  // Commands other than `token`.
  ["status", ...TOGGLE_SET.slice(1)],
  ["scopes", "--provider", "fluz"],
  ["scopes", "Cargo.toml"],
  ["scopes", "Cargo.toml", "another", "--provider", "fluz"],
  ["scopes", "missing.graphql", "--provider", "fluz"],
  ["sandbox", "--port", "65536"],
  ["sandbox", "--lifetime", "fluz"],
  ["sandbox", "--lifetime", "fluz=10"],
  ["sandbox", "--lifetime", "flux=10s"],
  ["sandbox", "--variant", "toggle=every"],
  ["sandbox", "--variant", "toggle.sliding=always"],
  ["sandbox", "--fault", "status"],
  ["sandbox", "--fault", "kind=status"],
  ["sandbox", "--fault", "kind=narrow,scopes=A+B,provider=toggle"],
  ["sandbox", "--fault", "{"],
  ["sandbox", "4000"],
  ["doctor"],
  ["doctor", "--page", SECRET],
  ["doctor", "--broker", `https://u:${SECRET}@host.test/`],
  ["doctor", "--store", "redis:"],
  ["doctor", "--store", `redis://:${SECRET}@host.test`],
  ["doctor", "--store", "folder", "--store-env", "SET"],
  ["demo", "--seconds", "3"],
  ["demo", "--grant-ms", "5s"],
];
