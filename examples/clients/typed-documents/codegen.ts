import type { CodegenConfig } from "@graphql-codegen/cli";
import { endpoint, tokens } from "../tokens.js";

/** Reads the API's schema with a token from the manager, and the documents in `offers.ts`. */
const config: CodegenConfig = {
  schema: [{ [endpoint]: { customFetch: tokens.fetch } }],
  documents: ["offers.ts"],
  generates: {
    "gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      // Lets Node run the generated files without a build.
      config: { useTypeImports: true },
    },
  },
  importExtension: ".ts",
};

export default config;
