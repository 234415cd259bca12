import { execFileSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { hasApt, unpackFromApt } from "./apt/unpack.ts";
import { findOnPath } from "./redis/find-on-path.ts";

/** A browser to test pages in. */
export interface Chromium {
  readonly file: string;
  /** What it needs in its environment besides. */
  readonly env: Readonly<Record<string, string>>;
}

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * The one that CHROMIUM names, one from PATH, or the distribution's, unpacked into the cache as Redis is. Undefined when this machine
 * offers none. @param mayFetch whether 110 MB may be fetched for it
 */
export function findChromium(env: NodeJS.ProcessEnv, mayFetch: boolean): Chromium | undefined {
  const file = env["CHROMIUM"] ?? findOnPath(names, env);
  if (file !== undefined) return { file, env: {} };
  const cache = env["UNDERSTUDY_CACHE_DIR"] ?? join(homedir(), ".cache", "understudy");
  const dir = join(cache, "chromium-apt");
  if (!existsSync(dir)) {
    if (!mayFetch || !hasApt(env)) return undefined;
    console.error(
      "First run: fetching chromium with apt-get for the tests of pages (unpacked into the cache, nothing is installed) …",
    );
    try {
      unpackFromApt({ dir, choices: [["chromium"], ["chromium-browser"]], env });
    } catch (error) {
      console.error(`no Chromium: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
  return unpacked(join(dir, "root"), env);
}

/** Not by the script in usr/bin, which looks for things where they would be installed. */
function unpacked(root: string, env: NodeJS.ProcessEnv): Chromium | undefined {
  const file = ["usr/lib/chromium/chromium", "usr/lib/chromium-browser/chromium-browser"]
    .map((path) => join(root, path))
    .find((path) => existsSync(path));
  if (file === undefined) return undefined;
  // Some libraries stand in folders of their own, where an installed one would find them by its own path.
  const folders = globSync(join(root, "{usr/lib,lib}/*-linux-gnu/**/*.so*")).map(dirname);
  const libraries = [...new Set(folders), env["LD_LIBRARY_PATH"] ?? ""];
  const fonts = join(root, "etc/fonts");
  const own = {
    LD_LIBRARY_PATH: libraries.filter(Boolean).join(delimiter),
    ...(existsSync(fonts) ? { FONTCONFIG_PATH: fonts, FONTCONFIG_SYSROOT: root } : {}),
  };
  try {
    execFileSync(file, ["--version"], { env: { ...env, ...own }, stdio: "pipe", timeout: 20_000 });
    return { file, env: own };
  } catch (error) {
    console.error(`the unpacked Chromium does not start: ${String(error).split("\n").slice(0, 3).join(" ")}`);
    return undefined;
  }
}
