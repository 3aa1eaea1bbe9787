/**
 * A plugin of TypeDoc: names the main entry as it is imported, not after its file.
 *
 * @module
 */

import { Converter, ReflectionKind } from "typedoc";

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module))
      if (module.name === "index") module.name = "graphql-token-manager";
  });
}
