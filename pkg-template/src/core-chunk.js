// The code that is needed only once the core runs, and the core itself.
//
// The entry `/lazy` loads this module at the first use (load-core-chunk/dynamic.js). All other entries contain it.

// First, because bundles keep this order: the long text of the module must not stand between parts of the code, which
// would compress worse.
export { startCore } from "./start-core.js";
export { authorizedFetch } from "./authorized-fetch.js";
export { sendOperation } from "./graphql-request.js";
export { ManagerCallbacks } from "./manager-callbacks.js";
export { ruleFunctionsOf } from "./rule-functions.js";
export { SignOuts } from "./sign-out.js";
export { Trace } from "./trace.js";
