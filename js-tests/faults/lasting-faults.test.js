// Each persistent fault of the sandbox, for each API and each moment of a token request.

import { describeCells } from "./cell.js";
import { MOMENTS } from "./expectations.js";

for (const moment of MOMENTS) describeCells(moment, "for good");
