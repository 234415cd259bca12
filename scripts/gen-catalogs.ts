// Usage: npm run gen [-- --check]. Writes the catalogues of job types, providers and fakes from the folders there are.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { renderCatalogues } from "./lib/catalogs/render.ts";

const [repo = join(import.meta.dirname, "..")] = process.argv
  .slice(2)
  .filter((word) => !word.startsWith("--"));
const checkOnly = process.argv.includes("--check");

for (const { path, text } of await renderCatalogues(repo)) {
  const file = join(repo, path);
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  if (checkOnly) {
    console.log(`${path} is stale: npm run gen`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`wrote ${path}`);
  }
}
