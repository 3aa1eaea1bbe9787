module.exports = {
  "users-permissions": {
    config: {
      jwtSecret: "not-a-secret-but-a-test",
      jwtManagement: "refresh",
      sessions: { accessTokenLifespan: Number(process.env.LIFETIME), httpOnly: false },
      ratelimit: { interval: 60_000, max: 1_000 },
    },
  },
};
