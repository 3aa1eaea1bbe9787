export { GraphQLRequestError } from "./graphql-request-error.js";
export { TokenError } from "./token-error.js";
export { TokenManager } from "./token-manager.js";
