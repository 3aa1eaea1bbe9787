import { testExample } from "./support.js";

await testExample("relay.js");
