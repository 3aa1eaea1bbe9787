// `scopes`: the scopes that a document requires, and the positions of its errors.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { folderFor } from "../stores/support.js";
import { run } from "./support.js";

const CHARGE = `mutation Charge($input: ChargeCreditCardInput!) { chargeCreditCard(input: $input) { transaction { id } } }
query Context($id: ID!) { node(id: $id) { ... on VenmoPaymentContext { status } } }
`;

/**
 * @param {import("node:test").TestContext} t
 * @param {string} text
 */
async function documentFor(t, text) {
  const file = join(await folderFor(t), "document.graphql");
  await writeFile(file, text);
  return file;
}

test("prints them one per line, or as JSON, of the whole document or of one operation", async (t) => {
  const args = ["scopes", await documentFor(t, CHARGE), "--provider", "braintree"];

  const lines = await run(args);
  const json = await run([...args, "--operation", "Charge", "--json"]);
  const piped = await run(["scopes", "-", "--provider", "braintree"], { input: CHARGE });

  assert.deepEqual(lines, { status: 0, stdout: "PAYMENT_CONTEXT_FIND\nTRANSACTION_CHARGE\n", stderr: "" });
  assert.equal(json.stdout, '{"scopes":["TRANSACTION_CHARGE"]}\n');
  assert.deepEqual(piped, lines);
});

test("reads a document of more than 64 KiB from standard input, and rejects one of more than 1 MiB", async () => {
  const args = ["scopes", "-", "--provider", "braintree"];
  const comment = `# ${"x".repeat(98)}\n`;

  const large = await run(args, { input: comment.repeat(1_000) + CHARGE });
  const larger = await run(args, { input: comment.repeat(11_000) + CHARGE });

  assert.equal(large.stdout, "PAYMENT_CONTEXT_FIND\nTRANSACTION_CHARGE\n");
  assert.equal(larger.status, 2);
});

test("prints nothing if no scope is needed", async (t) => {
  const file = await documentFor(t, "{ Products(account_id: 1) { id } }");

  assert.deepEqual(await run(["scopes", file, "--provider", "toggle"]), {
    status: 0,
    stdout: "",
    stderr: "",
  });
});

test("reports the position of a syntax error in a form that editors and terminals recognize", async (t) => {
  const broken = await documentFor(t, "query {\n  getOffers(\n}\n");
  const unknown = await documentFor(
    t,
    "# What ends a customer.\nmutation deleteCustomer {\n  gone: deleteCustomer\n}\n",
  );
  const alone = await documentFor(t, "{ ...Missing }");

  const endings = await Promise.all(
    [broken, unknown, alone].map((file) => run(["scopes", file, "--provider", "braintree"])),
  );

  const [first, second, third] = endings.map(({ stderr }) => stderr);
  assert.ok(first?.startsWith(`graphql-token-manager scopes: invalid_document: ${broken}:3:1: `), first);
  assert.ok(
    second?.startsWith(`graphql-token-manager scopes: unsupported: ${unknown}:3:3: `) &&
      second.includes("Mutation.deleteCustomer"),
    second,
  );
  assert.ok(third?.startsWith(`graphql-token-manager scopes: invalid_document: ${alone}:1:3: `), third);
  for (const { status, stdout } of endings) assert.deepEqual({ status, stdout }, { status: 1, stdout: "" });
});
