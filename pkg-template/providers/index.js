/**
 * `graphql-token-manager/providers`: descriptions of common GraphQL APIs, as values of the option `provider`.
 *
 * @module
 */

export { adobeCommerceCustomer } from "./adobe-commerce-customer.js";
export { clientAssertion } from "./client-assertion.js";
export { commercetools } from "./commercetools.js";
export { directus } from "./directus.js";
export { djangoGraphqlJwt } from "./django-graphql-jwt.js";
export { githubApp } from "./github-app.js";
export { keystone } from "./keystone.js";
export { linear } from "./linear.js";
export { oauth2 } from "./oauth2.js";
export { octopusKraken } from "./octopus-kraken.js";
export { parse } from "./parse.js";
export { payload } from "./payload.js";
export { postgraphile } from "./postgraphile.js";
export { saleor } from "./saleor.js";
export { shopifyAdmin } from "./shopify-admin.js";
export { shopifyOffline } from "./shopify-offline.js";
export { strapi } from "./strapi.js";
export { strawberryDjangoAuth } from "./strawberry-django-auth.js";
export { vendure } from "./vendure.js";
export { wpgraphqlJwt } from "./wpgraphql-jwt.js";
