// django-graphql-jwt on SQLite. A token is renewed with itself.

import { describeServer } from "./description.js";

/** @import { Description } from "../scenarios.js" */

/** @type {Description} */
export default {
  ...describeServer("token"),
  title: "django-graphql-jwt",
  notes: {
    "ended session":
      "A token is a JWT that the server does not look up. Here the key that signs it is replaced: each token is rejected, with the message “Error decoding signature”.",
    "revoke()": "Without `JWT_LONG_RUNNING_REFRESH_TOKEN`, the server has nothing to revoke.",
  },
};
