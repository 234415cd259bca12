// Usage: node scripts/check-boundaries.ts. Fails when a package imports or depends on what the import table forbids.
import { join } from "node:path";

import { findViolations } from "./lib/boundaries/find-violations.ts";

const violations = findViolations(join(import.meta.dirname, ".."));
for (const line of violations) console.log(line);
if (violations.length > 0) process.exitCode = 1;
