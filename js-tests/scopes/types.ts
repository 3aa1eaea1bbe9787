// Types that the compiler accepts and rejects. Checked by `tsc`, never run.

import { parse, type DocumentNode } from "graphql";
import {
  TokenManager,
  type BraintreeOptions,
  type FluzOptions,
  type FluzScope as Exported,
} from "graphql-token-manager";
import {
  analyse,
  requiredScopes,
  scopes,
  type BraintreeScope,
  type FluzScope,
} from "graphql-token-manager/scopes";

/** The literal names of a type that accepts any string as well; editors complete these. */
type Completed<T> = T extends string ? (string extends T ? never : T) : never;
type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const holds = <T extends true>(): T | void => {};

// Names complete, and any string is accepted.
holds<
  Equal<Extract<Completed<FluzScope>, "LIST_OFFERS" | "MANAGE_APPROVALS">, "LIST_OFFERS" | "MANAGE_APPROVALS">
>();
holds<Equal<Extract<Completed<BraintreeScope>, "TRANSACTION_VOID" | "LIST_OFFERS">, "TRANSACTION_VOID">>();
holds<Equal<Completed<Exported>, Completed<FluzScope>>>();
holds<Equal<Extract<FluzScope, "ANYTHING">, never>>();
const fluz: FluzScope[] = ["LIST_OFFERS", "SOMETHING_NEW", "x".repeat(3)];
const braintree: BraintreeScope[] = ["TRANSACTION_SALE", "SOMETHING_NEW"];
// @ts-expect-error no string
const number: FluzScope = 1;

// So do the options.
holds<Equal<Completed<FluzOptions["scopes"][number]>, Completed<FluzScope>>>();
holds<Equal<Completed<BraintreeOptions["scopes"][number]>, Completed<BraintreeScope>>>();
const ids = { environment: "sandbox", apiKey: "k", userId: "u", accountId: "a" } as const;
new TokenManager({ provider: "fluz", ...ids, scopes: ["LIST_OFFERS", "SOMETHING_NEW"] });
new TokenManager({ provider: "fluz", ...ids, scopes: requiredScopes("{ getWallet { id } }", "fluz") });
new TokenManager({ provider: "fluz", ...ids, scopes: scopes.fluz.map(({ name }) => name) });
new TokenManager({
  provider: "braintree",
  environment: "sandbox",
  clientId: "i",
  clientSecret: "s",
  scopes: braintree,
});
// @ts-expect-error one, not a list
new TokenManager({ provider: "fluz", ...ids, scopes: "LIST_OFFERS" });

// Documents: strings, and nodes of graphql-js.
const document: DocumentNode = parse("{ a }");
const needed: string[] = requiredScopes(document, "braintree", { operationName: "A", variables: { a: 1 } });
requiredScopes(new String("{ a }"), "toggle", { operationName: null, variables: null });
const { scopes: known, unknown }: { scopes: string[]; unknown: string[] } = analyse("{ a }", "fluz");
// @ts-expect-error no document
requiredScopes({ query: "{ a }" }, "fluz");
// @ts-expect-error no such provider
requiredScopes("{ a }", "acme");
// @ts-expect-error no such option
requiredScopes("{ a }", "fluz", { operation: "A" });
// @ts-expect-error not a promise
requiredScopes("{ a }", "fluz").then;

// The tables are read-only, and can be searched for any name.
const found: boolean = scopes.braintree.some(
  ({ name, operations }) => name === "X" && operations?.includes("y"),
);
const description: string | undefined = scopes.fluz[0]?.description;
// @ts-expect-error read-only
scopes.fluz.push({ name: "X" });
// @ts-expect-error read-only
scopes.braintree[0].name = "X";

export { braintree, description, found, fluz, known, needed, number, unknown };
