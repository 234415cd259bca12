import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { findOnPath } from "../redis/find-on-path.ts";

interface Wanted {
  /** What is unpacked where, once; another process that was quicker is as good. */
  readonly dir: string;
  /** Each a set of packages that would do; the first that can be had is taken. */
  readonly choices: readonly (readonly string[])[];
  readonly env: NodeJS.ProcessEnv;
}

export function hasApt(env: NodeJS.ProcessEnv): boolean {
  return findOnPath(["apt-get"], env) !== undefined && findOnPath(["dpkg"], env) !== undefined;
}

/**
 * Debian and Ubuntu, as root or not: the distribution's signed packages, with what they need and the machine lacks, unpacked into a
 * folder. Nothing is installed and no service is started.
 */
export function unpackFromApt({ dir, choices, env }: Wanted): void {
  mkdirSync(dirname(dir), { recursive: true });
  const tmp = mkdtempSync(`${dir}.tmp-`);
  try {
    const debs = download(join(tmp, "state"), choices, env);
    for (const deb of debs) execFileSync("dpkg", ["-x", deb, join(tmp, "root")], { env });
    rmSync(join(tmp, "state"), { recursive: true, force: true });
    renameSync(tmp, dir);
  } catch (error) {
    rmSync(tmp, { recursive: true, force: true });
    if (!existsSync(dir)) throw error;
  }
}

/** Lets apt-get resolve, fetch and check the packages in private folders, so that it needs no rights and no lock. */
function download(state: string, choices: Wanted["choices"], env: NodeJS.ProcessEnv): readonly string[] {
  mkdirSync(join(state, "lists/partial"), { recursive: true });
  mkdirSync(join(state, "cache/archives/partial"), { recursive: true });
  const options = [
    `Dir::State=${state}`,
    `Dir::State::lists=${state}/lists`,
    "Dir::State::status=/var/lib/dpkg/status",
    `Dir::Cache=${state}/cache`,
    "Dir::Cache::pkgcache=",
    "Dir::Cache::srcpkgcache=",
    "Debug::NoLocking=1",
    "APT::Sandbox::User=",
    "Acquire::Retries=1",
    "Acquire::http::Timeout=20",
  ].flatMap((option) => ["-o", option]);
  const apt = (...args: readonly string[]): void => {
    execFileSync("apt-get", [...options, "-qq", ...args], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 180_000,
    });
  };
  // `update` may fail for one source of several; whether the package can be had is what counts.
  const problems = [attempt(() => apt("update"))];
  const fetch = ["install", "--download-only", "--reinstall", "-y", "--no-install-recommends"];
  for (const packages of choices) {
    const problem = attempt(() => apt(...fetch, ...packages));
    if (problem === undefined) return globSync(join(state, "cache/archives/*.deb"));
    problems.push(problem);
  }
  throw new Error(
    `apt-get could not fetch ${choices[0]?.[0] ?? "anything"}: ${problems.filter(Boolean).join("; ")}`,
  );
}

/** What went wrong, in the last line of the tool's own words. */
function attempt(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: Buffer; readonly message: string };
    return stderr?.toString().trim().split("\n").at(-1) || message.split("\n")[0];
  }
}
