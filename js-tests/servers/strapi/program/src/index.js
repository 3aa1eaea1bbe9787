// Creates the data at the first start: a note, and a user with a role that may read it.

module.exports = {
  async bootstrap({ strapi }) {
    const notes = strapi.documents("api::note.note");
    if ((await notes.count({})) > 0) return;
    await notes.create({ data: { text: "private" } });
    const query = (/** @type {string} */ name) => strapi.db.query(`plugin::users-permissions.${name}`);
    const role = await query("role").findOne({ where: { type: "authenticated" } });
    await query("permission").create({ data: { action: "api::note.note.find", role: role.id } });
    await strapi.plugin("users-permissions").service("user").add({
      username: process.env.USER_NAME,
      email: "reader@example.com",
      password: process.env.USER_PASSWORD,
      provider: "local",
      confirmed: true,
      blocked: false,
      role: role.id,
    });
  },
};
