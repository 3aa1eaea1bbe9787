// commercetools: client credentials of a project, for 48 hours unless the API client states otherwise.
//
// Sources (December 2026): docs.commercetools.com/api/authorization, and the release of 2022-02-17 about lifetimes.
// Not described: the flows of customers and of anonymous sessions, whose token endpoints are others.

import { checkOptions } from "./options.js";

/** @import { OAuthProfile } from "graphql-token-manager" */
/** @import { CommercetoolsOptions } from "./index.js" */

/**
 * @param {CommercetoolsOptions} options
 * @returns {OAuthProfile}
 */
export function commercetools(options) {
  checkOptions("commercetools", options, "region projectKey clientId clientSecret*");
  const { region, projectKey, clientId, clientSecret } = options;
  // The secret is sent to this host.
  if (!/^[\w.-]+$/.test(region)) {
    throw new TypeError(
      "option `region` of commercetools() must be the name of a region, such as europe-west1.gcp",
    );
  }
  return {
    name: "commercetools",
    endpoint: `https://api.${region}.commercetools.com/${encodeURIComponent(projectKey)}/graphql`,
    oauth: { tokenEndpoint: `https://auth.${region}.commercetools.com/oauth/token`, clientId, clientSecret },
  };
}
