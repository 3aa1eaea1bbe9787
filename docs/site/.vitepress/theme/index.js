// The default theme, with the parts of the playground.

import DefaultTheme from "vitepress/theme";
import "./style.css";

export default DefaultTheme;
