// Types of `fetch` and `request`. Checked by tsc, never run.

import type { DocumentNode } from "graphql";
import { GraphQLRequestError, TokenError, type TokenManager } from "graphql-token-manager";

declare const tokens: TokenManager;

/** Declared as in `@graphql-typed-document-node/core`. */
interface DocumentTypeDecoration<TResult, TVariables> {
  __apiType?: (variables: TVariables) => TResult;
}
interface TypedDocumentNode<TResult = { [key: string]: any }, TVariables = { [key: string]: any }>
  extends DocumentNode, DocumentTypeDecoration<TResult, TVariables> {}

/** Declared as GraphQL Code Generator generates it. */
declare class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>["__apiType"]>;
  override toString(): string & DocumentTypeDecoration<TResult, TVariables>;
}

type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
interface Offers {
  getOffers: { offerId: string }[] | null;
}

declare const offers: TypedDocumentNode<Offers, Exact<{ limit?: number | null }>>;
declare const offer: TypedDocumentString<Offers, Exact<{ id: string }>>;
declare const all: TypedDocumentString<Offers, Exact<{ [key: string]: never }>>;
declare const untyped: DocumentNode;

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(): T | undefined => undefined;

// The result is inferred.
holds<Same<Awaited<ReturnType<typeof one>>, Offers>>();
const one = () => tokens.request(offers);
const two = async (): Promise<Offers> => tokens.request(offers, { limit: 3 }, { operationName: "Offers" });
const three = async (): Promise<Offers> => tokens.request(offer, { id: "1" });
const four = async (): Promise<Offers> => tokens.request(all);
const five = async (): Promise<Offers> => tokens.request<Offers>("{ getOffers { offerId } }");
const six = async (): Promise<Offers> => tokens.request(untyped, { anything: 1 });
const seven = async (): Promise<Offers> =>
  tokens.request<Offers, { id: string }>("query ($id: ID!) { a }", { id: "1" });

// Variables are checked, and required where the type requires them.
// @ts-expect-error
tokens.request(offers, { limit: "3" });
// @ts-expect-error
tokens.request(offer);
// @ts-expect-error
tokens.request(offer, {});
// @ts-expect-error
tokens.request<Offers, { id: string }>("query ($id: ID!) { a }");
// @ts-expect-error
tokens.request();
// @ts-expect-error
tokens.request(7);
// @ts-expect-error
tokens.request("{ a }", {}, { planted: 1 });

// Assignable to the type of the global `fetch`.
const asFetch: typeof globalThis.fetch = tokens.fetch;
const bound = ({ fetch }: { fetch: typeof globalThis.fetch }) => fetch("https://api.acme.test");
bound({ fetch: tokens.fetch });

try {
  await tokens.request(
    "{ a }",
    {},
    { signal: AbortSignal.timeout(1), headers: new Headers(), scopes: ["A"] },
  );
} catch (error) {
  if (GraphQLRequestError.is(error)) {
    const code: "graphql_errors" = error.code;
    const [first] = error.errors;
    const text: string | undefined = first?.message ?? first?.extensions?.code;
    console.log(code, text, error.data?.a, error.status, error.requestId);
  } else if (TokenError.is(error)) {
    console.log(error.code, error.retryable);
  }
}

export { asFetch, two, three, four, five, six, seven };
