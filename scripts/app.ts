// Usage: node scripts/app.ts <an app's main.ts> [args...]. Runs an app as a process manager would, with the variables of `.env`, if
// there is one; those that are set already are stronger.
import { existsSync } from "node:fs";
import { join } from "node:path";

const repo = join(import.meta.dirname, "..");
const envFile = join(repo, ".env");
if (existsSync(envFile)) process.loadEnvFile(envFile);
const [main = ""] = process.argv.splice(2, 1);
await import(join(repo, main));
