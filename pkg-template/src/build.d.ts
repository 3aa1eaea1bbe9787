// What the build puts in: see xtask/src/wasm.rs and xtask/src/package.rs.

/** The version in Cargo.toml. */
declare const __VERSION__: string;

/** The entry beside the main one, under the name that it has there. */
declare module "#scopes" {
  export * from "graphql-token-manager/scopes";
}

/** The optimised module as base64. */
declare module "#wasm" {
  const base64: string;
  export default base64;
}
