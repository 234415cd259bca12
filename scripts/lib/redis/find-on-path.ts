import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The first executable of one of these names on the PATH of `env`. */
export function findOnPath(names: readonly string[], env: NodeJS.ProcessEnv): string | undefined {
  const extensions = process.platform === "win32" ? [".exe", ".cmd", ""] : [""];
  const path = Object.entries(env).find(([key]) => key.toUpperCase() === "PATH")?.[1] ?? "";
  for (const dir of path.split(delimiter).filter(Boolean))
    for (const name of names)
      for (const extension of extensions) {
        const file = join(dir, name + extension);
        if (isExecutable(file)) return file;
      }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
