// Every fault of the sandbox that meets one request alone, at every API, at each moment at which a token is asked for.

import { describeCells } from "./cell.js";
import { MOMENTS } from "./expectations.js";

for (const moment of MOMENTS) describeCells(moment, "once");
