import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";

import { findOnPath } from "./find-on-path.ts";
import { type Link, type LinkContext, unavailable } from "./link.ts";
import { type Server, serve } from "./serve.ts";

/**
 * Debian and Ubuntu, as root or not: the distribution's signed packages, unpacked into the cache. Nothing is installed
 * and no service is started; a plain `apt-get install` would start one on 6379.
 */
export const fromApt: Link = async (context) => {
  const dir = join(context.cache, "redis-apt");
  if (!existsSync(dir)) {
    if (findOnPath(["apt-get"], context.env) === undefined || findOnPath(["dpkg"], context.env) === undefined)
      return unavailable("no apt-get and dpkg");
    unpack(dir, context);
  }
  return { kind: "up", redis: await serve(unpacked(dir, context.env), context) };
};

const names = ["redis-server", "valkey-server"] as const;

function unpack(dir: string, context: LinkContext): void {
  context.say(
    "First run: fetching redis-server with apt-get (unpacked into the cache, nothing is installed) …",
  );
  mkdirSync(context.cache, { recursive: true });
  const tmp = mkdtempSync(`${dir}.tmp-`);
  try {
    const debs = download(join(tmp, "state"), context.env);
    for (const deb of debs) execFileSync("dpkg", ["-x", deb, join(tmp, "root")], { env: context.env });
    rmSync(join(tmp, "state"), { recursive: true, force: true });
    renameSync(tmp, dir);
  } catch (error) {
    rmSync(tmp, { recursive: true, force: true });
    if (!existsSync(dir)) throw error; // else another process won the race: use its copy
  }
}

/** Lets apt-get resolve, fetch and check the packages in private folders, so that it needs no rights and no lock. */
function download(state: string, env: NodeJS.ProcessEnv): readonly string[] {
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
  for (const name of names) {
    const problem = attempt(() => apt(...fetch, name, name.replace("server", "tools")));
    if (problem === undefined) return globSync(join(state, "cache/archives/*.deb"));
    problems.push(problem);
  }
  throw new Error(`apt-get could not fetch redis-server: ${problems.filter(Boolean).join("; ")}`);
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

function unpacked(dir: string, env: NodeJS.ProcessEnv): Server {
  const root = join(dir, "root");
  const file = names.map((name) => join(root, "usr/bin", name)).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`${dir} holds no server. Delete that folder and run this again.`);
  const libraries = [...globSync(join(root, "usr/lib/*")), env["LD_LIBRARY_PATH"] ?? ""].filter(Boolean);
  return {
    file,
    how: `${file} (unpacked from apt)`,
    env: { ...env, LD_LIBRARY_PATH: libraries.join(delimiter) },
  };
}
