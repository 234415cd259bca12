import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { format } from "oxfmt";

/** The source as `npm run format` would leave it in the tree under `repo`. */
export async function formatted(repo: string, path: string, source: string): Promise<string> {
  const file = join(repo, ".oxfmtrc.json");
  const config = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>) : {};
  const { $schema: _schema, ignorePatterns: _patterns, ...options } = config;
  const { code, errors } = await format(path, source, options);
  if (errors.length > 0) throw new Error(`${path}: ${errors.map(({ message }) => message).join("; ")}`);
  return code;
}
