const salt = "not-a-secret-but-a-test-of-32-chars";

module.exports = {
  auth: { secret: salt },
  apiToken: { salt },
  transfer: { token: { salt } },
  secrets: { encryptionKey: salt },
  serveAdminPanel: false,
};
