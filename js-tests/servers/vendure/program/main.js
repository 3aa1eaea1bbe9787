// Vendure with SQLite, without other channels, products or plugins. Argument: the port.

const { DefaultLogger, LogLevel, bootstrap } = require("@vendure/core");

bootstrap({
  apiOptions: {
    hostname: "127.0.0.1",
    port: Number(process.argv[2]),
    adminApiPath: "admin-api",
    shopApiPath: "shop-api",
  },
  authOptions: {
    tokenMethod: ["bearer"],
    sessionDuration: Number(process.env.LIFETIME_MS),
    superadminCredentials: { identifier: process.env.USER_NAME, password: process.env.USER_PASSWORD },
  },
  dbConnectionOptions: { type: "better-sqlite3", database: "data.db", synchronize: true },
  logger: new DefaultLogger({ level: LogLevel.Warn }),
  paymentOptions: { paymentMethodHandlers: [] },
});
