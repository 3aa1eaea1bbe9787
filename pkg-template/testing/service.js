/**
 * A provider's GraphQL server: its schema, executed by graphql-js and graphql-yoga, and its own response format.
 *
 * It contains nothing specific to a provider or a fault: it converts a request to a response, both plain values.
 *
 * @module
 */

import { ProviderRequest } from "./provider-request.js";
import { outline } from "./document.js";

/** @import { ProviderCounts, ProviderName } from "./index.js" */
/** @import { RejectionReason } from "./provider-request.js" */
/** @import { Outline } from "./document.js" */
/** @import { TokenRegister } from "./tokens.js" */

/**
 * The modules of the optional peer dependencies.
 * @typedef {{ graphql: typeof import("graphql"), yoga: typeof import("graphql-yoga") }} Engine
 */

/** @typedef {Record<string, any>} Json */

/**
 * @typedef {object} HttpRequest
 * @property {string} method
 * @property {URL} url
 * @property {Readonly<Record<string, string | string[] | undefined>>} headers Names in lower case.
 * @property {string} body
 */

/**
 * @typedef {object} HttpAnswer
 * @property {number} status
 * @property {Record<string, string>} headers Names in lower case.
 * @property {Json | string} body A GraphQL or other JSON object; a string is sent as it is.
 */

/**
 * A response with a JSON object as its body.
 * @typedef {Omit<HttpAnswer, "body"> & { body: Json }} JsonAnswer
 */

/**
 * The definition of a provider: everything in which the providers differ.
 * @typedef {object} Provider
 * @property {ProviderName} name
 * @property {string} path
 * @property {string} typeDefs SDL.
 * @property {Record<string, any>} resolvers
 * @property {readonly string[]} grantFields Root fields that issue tokens.
 * @property {readonly string[]} spellings Root fields that exist under another variant only.
 * @property {"scopes" | "no scopes"} grantsHold
 * @property {TokenRegister} tokens
 * @property {string} [basic]
 * @property {(reason: RejectionReason) => import("graphql").GraphQLError} rejection
 * @property {(request: HttpRequest, providerRequest: ProviderRequest) => HttpAnswer | undefined} checkRequest Rejects a
 * request before GraphQL is executed.
 * @property {(answer: JsonAnswer, providerRequest: ProviderRequest, asked: Outline) => HttpAnswer} finish Converts the
 * response to the provider's format.
 */

export class Service {
  #engine;
  #yoga;
  #count;
  provider;
  /** All possible root fields of an operation, including those of other variants. @type {readonly string[]} */
  operations;

  /**
   * @param {Provider} provider
   * @param {Engine} engine
   * @param {(what: keyof ProviderCounts) => void} count
   */
  constructor(provider, engine, count) {
    const schema = engine.yoga.createSchema({ typeDefs: provider.typeDefs, resolvers: provider.resolvers });
    const rootTypes = [schema.getQueryType(), schema.getMutationType()];
    this.#engine = engine;
    this.#count = count;
    this.provider = provider;
    this.operations = [
      ...rootTypes.flatMap((type) => Object.keys(type?.getFields() ?? {})),
      ...provider.spellings,
    ];
    this.#yoga = engine.yoga.createYoga({
      schema,
      graphqlEndpoint: provider.path,
      // Its landing pages load scripts from other servers; the listener sets the cross-origin headers.
      graphiql: false,
      landingPage: false,
      cors: false,
      // A library must not write to its user's console.
      logging: false,
    });
  }

  /**
   * @param {HttpRequest} request
   * @returns {Outline}
   */
  outline({ url, body }) {
    /** @type {unknown} */
    let asked = Object.fromEntries(url.searchParams);
    try {
      if (body !== "") asked = JSON.parse(body);
    } catch {
      // The body is not JSON, which yoga reports.
    }
    return outline(this.#engine.graphql, isObject(asked) ? asked : {});
  }

  /**
   * Executes the request.
   * @param {HttpRequest} request
   * @param {Outline} asked
   * @param {readonly string[]} [narrowTo] The only scopes that may be granted.
   * @returns {Promise<{ answer: HttpAnswer, granted: readonly string[] }>} The response and its access tokens.
   */
  async answer(request, asked, narrowTo) {
    const { provider } = this;
    const providerRequest = new ProviderRequest({
      authorization: single(request.headers.authorization),
      tokens: provider.tokens,
      basic: provider.basic,
      rejection: provider.rejection,
      narrowTo,
      count: this.#count,
    });
    const early = provider.checkRequest(request, providerRequest);
    if (early) return { answer: early, granted: [] };
    const executed = await this.#execute(request, providerRequest);
    const answer = hasJson(executed) ? provider.finish(executed, providerRequest, asked) : executed;
    return { answer, granted: providerRequest.granted.map(({ value }) => value) };
  }

  /**
   * @param {HttpRequest} request
   * @param {ProviderRequest} providerRequest
   * @returns {Promise<HttpAnswer>}
   */
  async #execute({ method, url, headers, body }, providerRequest) {
    const response = await this.#yoga.fetch(
      url.href,
      {
        method,
        headers: pick(headers, ["accept", "content-type"]),
        // A GET request with a body, even an empty one, cannot be constructed.
        ...(method === "GET" || method === "HEAD" ? {} : { body }),
      },
      { providerRequest },
    );
    const text = await response.text();
    const answered = Object.fromEntries(response.headers);
    // The body may still change, so its length is set when it is sent.
    delete answered["content-length"];
    return { status: response.status, headers: answered, body: readJson(text) };
  }
}

/**
 * @param {HttpAnswer} answer
 * @returns {answer is JsonAnswer}
 */
export function hasJson(answer) {
  return typeof answer.body !== "string";
}

/**
 * Returns whether no part of the operation was executed: no root field has a value.
 * @param {Json} result
 */
export function isEmpty({ data }) {
  return data == null || Object.values(data).every((value) => value === null);
}

/** @param {string} text */
function readJson(text) {
  try {
    const value = JSON.parse(text);
    return isObject(value) ? value : text;
  } catch {
    return text;
  }
}

/**
 * @param {HttpRequest["headers"]} headers
 * @param {readonly string[]} names
 */
function pick(headers, names) {
  /** @type {Record<string, string>} */
  const picked = {};
  for (const name of names) {
    const value = single(headers[name]);
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

/** @param {string | string[] | undefined} header */
export function single(header) {
  return Array.isArray(header) ? header.join(", ") : header;
}

/**
 * @param {unknown} value
 * @returns {value is Json}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
