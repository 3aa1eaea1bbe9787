// Messages of the databases that Django supports.
//
// Django names no kind of error in a response of GraphQL: that the database is down looks like a wrong password, but for its
// message. These come from the database or from its driver, and Django does not translate them.
//
// Seen: SQLite 3.40, and PostgreSQL 15 with psycopg 3.3. From the documentation: MySQL.

/** Parts of messages that report a database without connection. */
export const DATABASE_OUTAGES = [
  "database is locked",
  "unable to open database file",
  "connection to server",
  "terminating connection due to",
  "the connection is closed",
  "server closed the connection",
  "too many clients already",
  "can't connect to",
  "lost connection to",
  "server has gone away",
];
