import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import type { PeerName } from "./types.ts";

const run = promisify(execFile);

const versions: Readonly<Record<PeerName, string>> = {
  "bee-queue": "2.0.0",
  "graphile-worker": "0.18.0",
  "pg-boss": "12.38.0",
};

/**
 * Installs another queue from the registry into a folder outside of this repository; nothing of it is run while that is done.
 * @returns why that was not possible
 */
export async function installPeer(peer: PeerName, folder: string): Promise<string | undefined> {
  mkdirSync(folder, { recursive: true });
  // pg-boss asks for a version that not every registry has.
  const manifest = {
    private: true,
    dependencies: { [peer]: versions[peer] },
    overrides: { "rrule-temporal": "2.2.7" },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  try {
    await run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: folder,
      timeout: 180_000,
      shell: process.platform === "win32",
    });
    return undefined;
  } catch (error) {
    const [words = ""] = String(error instanceof Error ? error.message : error)
      .split("\n")
      .slice(1);
    return `npm could not install ${peer}@${versions[peer]}: ${words}`;
  }
}
