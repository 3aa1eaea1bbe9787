// The default theme, and the playground, which is loaded in its page only.

import { defineClientComponent } from "vitepress";
import DefaultTheme from "vitepress/theme";
import "./style.css";

const Playground = defineClientComponent(() => import("../../playground/Playground.vue"));

/** @type {import("vitepress").Theme} */
export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => {
    app.component("Playground", Playground);
  },
};
