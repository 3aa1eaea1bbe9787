import type { CodegenConfig } from "@graphql-codegen/cli";
import { endpoint, tokens } from "../tokens.js";

/** Reads the API's schema with a token of the manager, and the documents in `offers.ts`. */
const config: CodegenConfig = {
  schema: [{ [endpoint]: { customFetch: tokens.fetch } }],
  documents: ["offers.ts"],
  generates: {
    "gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      // So that Node runs it as it is.
      config: { useTypeImports: true },
    },
  },
  importExtension: ".ts",
};

export default config;
