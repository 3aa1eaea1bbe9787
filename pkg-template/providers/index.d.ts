/**
 * Descriptions of common GraphQL APIs, as values of the option `provider`. They are plain data, made from the
 * documentation and the source of each API: `docs/apis.md` of the repository states what is known of each, and
 * `docs/servers.md` which of them were run with a real server.
 *
 * Each function throws a `TypeError` for a missing, invalid or unknown option. What the manager checks itself, such
 * as the form of a URL, is `invalid_options`.
 *
 * @example
 * ```ts
 * import { TokenManager } from "graphql-token-manager";
 * import { saleor } from "graphql-token-manager/providers";
 *
 * const tokens = new TokenManager({
 *   provider: saleor({
 *     endpoint: "https://shop.saleor.cloud/graphql/",
 *     email: "reader@example.com",
 *     password: process.env.SALEOR_PASSWORD!,
 *   }),
 * });
 * ```
 *
 * @packageDocumentation
 */

import type { OAuthEndpoint, OAuthProfile, Profile, SessionSecret } from "graphql-token-manager";

/**
 * Directus: `auth_login` and `auth_refresh`. The refresh token rotates. Two-factor authentication and cookies are not
 * covered.
 */
export function directus(options: DirectusOptions): Profile;

/** Options of {@link directus}. */
export interface DirectusOptions {
  /**
   * The URL of the server, such as `https://cms.example.com`. The data is at `/graphql` below it, and the log-in at
   * `/graphql/system`.
   *
   * @throws TypeError if it is missing or empty
   */
  url: string;
  /**
   * The user's email address.
   *
   * @throws TypeError if it is missing or empty
   */
  email: string;
  /**
   * The user's password. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * Saleor: `tokenCreate` and `tokenRefresh`. Log-ins are delayed per address of the network, which is `rate_limited`.
 */
export function saleor(options: SaleorOptions): Profile;

/** Options of {@link saleor}. */
export interface SaleorOptions {
  /**
   * The URL of the GraphQL API, such as `https://shop.saleor.cloud/graphql/`.
   *
   * @throws TypeError if it is missing or empty
   */
  endpoint: string;
  /**
   * The email address of the user.
   *
   * @throws TypeError if it is missing or empty
   */
  email: string;
  /**
   * The user's password. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * Strapi with Users & Permissions: log-in by JSON over HTTP. Tokens are renewed if `jwtManagement` of the server is
 * `refresh`, without `httpOnly`; otherwise, the log-in is repeated, of which Strapi permits ten a minute.
 */
export function strapi(options: StrapiOptions): Profile;

/** Options of {@link strapi}. */
export interface StrapiOptions {
  /**
   * The URL of the server, such as `https://cms.example.com`. The data is at `/graphql` below it, and the log-in at
   * `/api/auth/local`.
   *
   * @throws TypeError if it is missing or empty
   */
  url: string;
  /**
   * The user's email address or name.
   *
   * @throws TypeError if it is missing or empty
   */
  identifier: string;
  /**
   * The user's password. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * Payload: a token renews itself while it is valid. An expired or revoked token is not rejected: the request is
 * anonymous.
 */
export function payload(options: PayloadOptions): Profile;

/** Options of {@link payload}. */
export interface PayloadOptions {
  /**
   * The URL of the server, such as `https://cms.example.com`. The API is at `/api/graphql` below it.
   *
   * @throws TypeError if it is missing or empty
   */
  url: string;
  /**
   * The singular name of the collection of users in GraphQL, with which the names of operations end: `loginUser`.
   *
   * @defaultValue "User"
   * @throws TypeError if it has other characters than letters, digits and underscores
   */
  collection?: string | undefined;
  /**
   * The user's email address.
   *
   * @throws TypeError if it is missing or empty
   */
  email: string;
  /**
   * The user's password. After five wrong ones, the account is locked for ten minutes by default. A function is
   * called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * Kraken, of Octopus Energy and other suppliers: `obtainKrakenToken` with an API key. The token is sent without a
 * scheme.
 */
export function octopusKraken(options: OctopusKrakenOptions): Profile;

/** Options of {@link octopusKraken}. */
export interface OctopusKrakenOptions {
  /**
   * The URL of the GraphQL API, such as `https://api.octopus.energy/v1/graphql/`.
   *
   * @throws TypeError if it is missing or empty
   */
  endpoint: string;
  /**
   * The API key of the account. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  apiKey: SessionSecret;
}

/**
 * django-graphql-jwt: `tokenAuth`. Errors are recognized by their English messages, which a server may translate.
 */
export function djangoGraphqlJwt(options: DjangoGraphqlJwtOptions): Profile;

/** Options of {@link djangoGraphqlJwt}. */
export interface DjangoGraphqlJwtOptions {
  /**
   * The URL of the GraphQL API, such as `https://api.example.com/graphql/`.
   *
   * @throws TypeError if it is missing or empty
   */
  endpoint: string;
  /**
   * The user's name. `USERNAME_FIELD` of the user's model must be `username`.
   *
   * @throws TypeError if it is missing or empty
   */
  username: string;
  /**
   * The user's password. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
  /**
   * What a token is renewed with: `"token"`, itself; `"refreshToken"`, a refresh token, if the server has
   * `JWT_LONG_RUNNING_REFRESH_TOKEN`, and the field `revokeToken` for `revoke()`.
   *
   * @defaultValue "token"
   * @throws TypeError for another value
   */
  renewal?: "token" | "refreshToken" | undefined;
}

/**
 * strawberry-django-auth: `tokenAuth`, with a refresh token that is replaced at each renewal. The server must have
 * `LOGIN_REQUIRE_CAPTCHA=False` and `JWT_LONG_RUNNING_REFRESH_TOKEN`.
 */
export function strawberryDjangoAuth(options: StrawberryDjangoAuthOptions): Profile;

/** Options of {@link strawberryDjangoAuth}. */
export interface StrawberryDjangoAuthOptions {
  /**
   * The URL of the GraphQL API, such as `https://api.example.com/graphql/`.
   *
   * @throws TypeError if it is missing or empty
   */
  endpoint: string;
  /**
   * The user's name. `LOGIN_FIELDS` of the server must have `username` alone, as by default.
   *
   * @throws TypeError if it is missing or empty
   */
  username: string;
  /**
   * The user's password. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * PostGraphile: a mutation that calls a function of the database, which returns a type of `pgJwtTypes`, and null for wrong
 * credentials.
 */
export function postgraphile(options: PostgraphileOptions): Profile;

/** Options of {@link postgraphile}. */
export interface PostgraphileOptions {
  /**
   * The URL of the GraphQL API, such as `https://api.example.com/graphql`.
   *
   * @throws TypeError if it is missing or empty
   */
  endpoint: string;
  /**
   * The arguments of the mutation, such as `{ username, password }`. All are kept as secrets. A function is called for each
   * grant.
   *
   * @throws TypeError if it is missing, empty, or has other values than functions and strings that are not empty
   */
  input: { readonly [name: string]: SessionSecret };
  /**
   * The name of the mutation.
   *
   * @defaultValue "authenticate"
   * @throws TypeError if it is not a name of GraphQL
   */
  mutation?: string | undefined;
  /**
   * The field of its payload that has the token: `result` with the preset Amber, and `jwtToken` for a type `jwt_token` with
   * the preset of version 4 and in that version.
   *
   * @defaultValue "result"
   * @throws TypeError if it is not a name of GraphQL
   */
  token?: string | undefined;
}

/**
 * Parse Server: `logIn`. Requests of the API need the application's id as well, so also give the manager the option
 * `headers: { "X-Parse-Application-Id": … }`, and set it on requests that `tokens.fetch` sends.
 */
export function parse(options: ParseOptions): Profile;

/** Options of {@link parse}. */
export interface ParseOptions {
  /**
   * The URL of the server, such as `https://api.example.com`. The API is at `/graphql` below it.
   *
   * @throws TypeError if it is missing or empty
   */
  url: string;
  /**
   * The application's id, which grants send as `X-Parse-Application-Id`.
   *
   * @throws TypeError if it is missing or empty
   */
  applicationId: string;
  /**
   * The user's name.
   *
   * @throws TypeError if it is missing or empty
   */
  username: string;
  /**
   * The user's password. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * GitHub Apps: tokens of an installation for an hour, from a JWT that is signed with the private key of the application. With a
 * `store`, set the manager's option `identity`: the JWTs differ. An installation has all of its permissions and repositories.
 *
 * @example
 * ```ts
 * import { TokenManager } from "graphql-token-manager";
 * import { githubApp } from "graphql-token-manager/providers";
 *
 * const tokens = new TokenManager({
 *   provider: githubApp({
 *     clientId: "Iv23liExample",
 *     installationId: "12345678",
 *     privateKey: process.env.GITHUB_PRIVATE_KEY!,
 *   }),
 * });
 * ```
 */
export function githubApp(options: GithubAppOptions): Profile;

/** Options of {@link githubApp}: `clientId` or `appId`, and others. */
export type GithubAppOptions = GithubAppInstallation &
  ({ clientId: string; appId?: undefined } | { appId: string; clientId?: undefined });

/** Options of {@link githubApp} besides the id of the application. */
export interface GithubAppInstallation {
  /**
   * The id of the installation, in digits.
   *
   * @throws TypeError if it is missing or has other characters
   */
  installationId: string;
  /**
   * A private key of the application, as GitHub generates it, or a function that returns one and is called for each grant.
   *
   * @throws TypeError if it is missing, or a text that is not an RSA key in PEM
   */
  privateKey: PrivateKey | (() => PrivateKey | Promise<PrivateKey>);
  /**
   * The origin of a GitHub Enterprise Server, such as `https://github.example.com`, or of the API of GHE.com, such as
   * `https://api.octocorp.ghe.com`.
   *
   * @defaultValue "https://api.github.com"
   * @throws TypeError if it has a path, or is that of web pages: github.com or a subdomain of ghe.com
   */
  url?: string | undefined;
}

/**
 * Shopify's GraphQL Admin API, for applications of your own organization: client credentials.
 */
export function shopifyAdmin(options: ShopifyAdminOptions): OAuthProfile;

/** Options of {@link shopifyAdmin}. */
export interface ShopifyAdminOptions {
  /**
   * The name of the store: what is before `.myshopify.com`.
   *
   * @throws TypeError if it is missing or a host
   */
  shop: string;
  /**
   * The version of the API, such as `2026-10`.
   *
   * @throws TypeError if it is missing or empty
   */
  version: string;
  /**
   * The application's client id.
   *
   * @throws TypeError if it is missing or empty
   */
  clientId: string;
  /**
   * The application's client secret. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  clientSecret: SessionSecret;
}

/**
 * Shopify's GraphQL Admin API, for applications of many stores: expiring offline tokens, with a refresh token that is replaced
 * at each renewal. Public applications need such tokens from 2027-01-01. Create one manager for each store, and give it a
 * `store`: a new token revokes the earlier ones of the same store.
 *
 * @example
 * ```ts
 * import { TokenManager } from "graphql-token-manager";
 * import { shopifyOffline } from "graphql-token-manager/providers";
 *
 * const tokens = new TokenManager({
 *   provider: shopifyOffline({
 *     shop: "my-store",
 *     version: "2026-10",
 *     clientId: process.env.SHOPIFY_CLIENT_ID!,
 *     clientSecret: process.env.SHOPIFY_CLIENT_SECRET!,
 *     refreshToken: () => loadRefreshToken("my-store"),
 *   }),
 * });
 *
 * declare function loadRefreshToken(shop: string): Promise<string>;
 * ```
 */
export function shopifyOffline(options: ShopifyOfflineOptions): OAuthProfile;

/** Options of {@link shopifyOffline}. */
export interface ShopifyOfflineOptions extends ShopifyAdminOptions {
  /**
   * The first refresh token, `refresh_token` of the response with which the store was authorized. Later ones come from
   * responses, and are kept in the manager's `store`. A function is called again if the last one was rejected or lost, so it
   * should return the newest that it knows.
   *
   * @throws TypeError if it is missing or empty
   */
  refreshToken: SessionSecret;
}

/**
 * Linear: client credentials, which act as the application.
 */
export function linear(options: LinearOptions): OAuthProfile;

/** Options of {@link linear}. */
export interface LinearOptions {
  /**
   * The application's client id.
   *
   * @throws TypeError if it is missing or empty
   */
  clientId: string;
  /**
   * The application's client secret. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  clientSecret: SessionSecret;
  /**
   * The scopes, with commas between them, instead of the manager's option `scopes`, which has spaces. A grant with
   * other scopes is said to revoke the earlier tokens, so give the same everywhere.
   *
   * @defaultValue "read"
   * @throws TypeError if it is empty
   */
  scope?: string | undefined;
}

/**
 * commercetools: client credentials. The manager's option `scopes` has names such as `view_products:my-project`.
 */
export function commercetools(options: CommercetoolsOptions): OAuthProfile;

/** Options of {@link commercetools}. */
export interface CommercetoolsOptions {
  /**
   * The region, as it is in the hosts: `europe-west1.gcp`.
   *
   * @throws TypeError if it is missing or not part of a host
   */
  region: string;
  /**
   * The key of the project.
   *
   * @throws TypeError if it is missing or empty
   */
  projectKey: string;
  /**
   * The id of the API client.
   *
   * @throws TypeError if it is missing or empty
   */
  clientId: string;
  /**
   * The secret of the API client. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  clientSecret: SessionSecret;
}

/**
 * Vendure: `login`, with the token in a header. The server must permit bearer tokens (`tokenMethod`). A missing
 * permission cannot be told from an ended session, so that it causes a log-in.
 */
export function vendure(options: VendureOptions): Profile;

/** Options of {@link vendure}. */
export interface VendureOptions {
  /**
   * The URL of the GraphQL API, such as `https://shop.example.com/admin-api`.
   *
   * @throws TypeError if it is missing or empty
   */
  endpoint: string;
  /**
   * The administrator's or customer's name or email address.
   *
   * @throws TypeError if it is missing or empty
   */
  username: string;
  /**
   * The password. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * Keystone: `authenticateUserWithPassword`. An expired or ended session is not rejected: the request is anonymous.
 */
export function keystone(options: KeystoneOptions): Profile;

/** Options of {@link keystone}. */
export interface KeystoneOptions {
  /**
   * The URL of the GraphQL API, such as `https://cms.example.com/api/graphql`.
   *
   * @throws TypeError if it is missing or empty
   */
  endpoint: string;
  /**
   * `listKey` of the server's `createAuth`.
   *
   * @defaultValue "User"
   * @throws TypeError if it has other characters than letters, digits and underscores
   */
  list?: string | undefined;
  /**
   * `identityField` of the server's `createAuth`.
   *
   * @defaultValue "email"
   * @throws TypeError if it has other characters than letters, digits and underscores
   */
  identityField?: string | undefined;
  /**
   * The value of the user's `identityField`, such as an email address.
   *
   * @throws TypeError if it is missing or empty
   */
  identity: string;
  /**
   * `secretField` of the server's `createAuth`.
   *
   * @defaultValue "password"
   * @throws TypeError if it has other characters than letters, digits and underscores
   */
  secretField?: string | undefined;
  /**
   * The user's password. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * WPGraphQL with the plugin WPGraphQL JWT Authentication: tokens for five minutes.
 */
export function wpgraphqlJwt(options: WpgraphqlJwtOptions): Profile;

/** Options of {@link wpgraphqlJwt}. */
export interface WpgraphqlJwtOptions {
  /**
   * The URL of the GraphQL API, such as `https://blog.example.com/graphql`.
   *
   * @throws TypeError if it is missing or empty
   */
  endpoint: string;
  /**
   * The user's name.
   *
   * @throws TypeError if it is missing or empty
   */
  username: string;
  /**
   * The user's password. A function is called for each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * Adobe Commerce and Magento: a customer's token. With an expired one, some operations are those of a guest.
 */
export function adobeCommerceCustomer(options: AdobeCommerceCustomerOptions): Profile;

/** Options of {@link adobeCommerceCustomer}. */
export interface AdobeCommerceCustomerOptions {
  /**
   * The URL of the GraphQL API, such as `https://shop.example.com/graphql`.
   *
   * @throws TypeError if it is missing or empty
   */
  endpoint: string;
  /**
   * The customer's email address.
   *
   * @throws TypeError if it is missing or empty
   */
  email: string;
  /**
   * The customer's password. After several wrong ones, the account is locked for a time. A function is called for
   * each grant.
   *
   * @throws TypeError if it is missing or empty
   */
  password: SessionSecret;
}

/**
 * Any API with an OAuth 2.0 token endpoint (RFC 6749). The manager checks the options (`invalid_options`).
 */
export function oauth2(options: OAuth2Options): OAuthProfile;

/** Options of {@link oauth2}: those of an {@link OAuthProfile} and of its `oauth`. */
export interface OAuth2Options extends OAuthEndpoint, Omit<OAuthProfile, "name" | "oauth"> {
  /**
   * Used in messages: at most 40 characters of visible ASCII.
   *
   * @defaultValue "oauth2"
   */
  name?: string | undefined;
}

/**
 * Returns a function that signs a client assertion (RFC 7523), for `private_key_jwt`: a field of the token request in
 * place of a client secret. It signs a new one for each grant, with WebCrypto. With a `store`, set `identity`: the
 * assertions differ.
 *
 * @example
 * ```ts
 * import { clientAssertion, oauth2 } from "graphql-token-manager/providers";
 *
 * const tokenEndpoint = "https://id.acme.test/oauth/token";
 * const provider = oauth2({
 *   endpoint: "https://api.acme.test/graphql",
 *   tokenEndpoint,
 *   clientId: "reports",
 *   parameters: {
 *     client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
 *     client_assertion: clientAssertion({
 *       key: process.env.ACME_PRIVATE_KEY!,
 *       keyId: "2026-12",
 *       clientId: "reports",
 *       audience: tokenEndpoint,
 *     }),
 *   },
 * });
 * ```
 */
export function clientAssertion(options: ClientAssertionOptions): () => Promise<string>;

/**
 * A private key: in PEM as PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA PRIVATE KEY`), a JWK, or a key of WebCrypto that
 * may sign. Line breaks of PEM may be the two characters `\n`, as in environment variables.
 */
export type PrivateKey = string | { readonly kty?: string } | CryptoKey;

/** Options of {@link clientAssertion}. */
export interface ClientAssertionOptions {
  /**
   * The private key, or a function that returns it and is called for each grant. RSA of at least 2048 bits, in WebCrypto with
   * SHA-256, or EC with the curve P-256.
   *
   * @throws TypeError if it is missing, or a text that is not a private key in PEM
   */
  key: PrivateKey | (() => PrivateKey | Promise<PrivateKey>);
  /** The id of the key (`kid`), if the server knows several. */
  keyId?: string | undefined;
  /**
   * The client's id: `iss` and `sub`.
   *
   * @throws TypeError if it is missing or empty
   */
  clientId: string;
  /**
   * The server that the assertion is for (`aud`): usually the URL of the token endpoint.
   *
   * @throws TypeError if it is missing or empty
   */
  audience: string;
  /**
   * The algorithm of the signature.
   *
   * @defaultValue "RS256" for an RSA key, and "ES256" for an EC key
   */
  algorithm?: "RS256" | "ES256" | undefined;
  /**
   * The lifetime of an assertion: a number from 1,000 to 3,600,000.
   *
   * @defaultValue 60_000
   */
  lifetimeMs?: number | undefined;
}
