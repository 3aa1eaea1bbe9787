// Each fault of the sandbox in a single request, for each API and each moment of a token request.

import { describeCells } from "./cell.js";
import { MOMENTS } from "./expectations.js";

for (const moment of MOMENTS) describeCells(moment, "once");
