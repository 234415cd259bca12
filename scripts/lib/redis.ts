import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  constants,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface RedisHandle {
  readonly url: string;
  readonly how: string;
  stop(): Promise<void>;
}

type Provider = "url" | "path" | "apt" | "docker" | "js";
const order: readonly Provider[] = ["url", "path", "apt", "docker", "js"];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  server.close();
  await once(server, "close");
  return address.port;
}

/** Whether a Redis answers there; with a pid, whether it is that very process (and not another server that holds the port). */
async function answers(host: string, port: number, pid?: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: 1000 });
  try {
    await once(socket, "connect");
    socket.write(pid === undefined ? "PING\r\n" : "INFO server\r\n");
    const [data] = await once(socket, "data");
    if (pid === undefined) return /^(?:\+PONG|-NOAUTH)/u.test(String(data));
    return new RegExp(`^process_id:${pid}\r?$`, "mu").test(String(data));
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function onPath(names: readonly string[]): string | undefined {
  for (const dir of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of names) {
      const file = join(dir, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // try the next one
      }
    }
  }
  return undefined;
}

interface Binary {
  readonly file: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Debian and Ubuntu, as root or not: signed packages unpacked into a cache folder; nothing is installed or started system-wide. */
function fromApt(cache: string): Binary | undefined {
  if (onPath(["apt-get"]) === undefined || onPath(["dpkg"]) === undefined) return undefined;
  const dir = join(cache, "redis-apt");
  if (!existsSync(dir)) {
    mkdirSync(cache, { recursive: true });
    const tmp = mkdtempSync(`${dir}.tmp-`);
    const state = join(tmp, "state");
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
    ].flatMap((option) => ["-o", option]);
    const apt = (...args: string[]): void => {
      execFileSync("apt-get", [...options, "-qq", ...args], {
        stdio: ["ignore", "ignore", "pipe"],
        timeout: 180_000,
      });
    };
    try {
      apt("update");
      const name = ["redis-server", "valkey-server"].find((candidate) => {
        try {
          apt(
            "install",
            "--download-only",
            "--reinstall",
            "-y",
            "--no-install-recommends",
            candidate,
            candidate.replace("server", "tools"),
          );
          return true;
        } catch {
          return false;
        }
      });
      if (name === undefined) throw new Error("apt offers neither redis-server nor valkey-server");
      for (const deb of globSync(join(state, "cache/archives/*.deb")))
        execFileSync("dpkg", ["-x", deb, join(tmp, "root")]);
      rmSync(state, { recursive: true, force: true });
      renameSync(tmp, dir);
    } catch (error) {
      rmSync(tmp, { recursive: true, force: true });
      if (!existsSync(dir)) throw error;
    }
  }
  const root = join(dir, "root");
  const file = ["redis-server", "valkey-server"]
    .map((name) => join(root, "usr/bin", name))
    .find((path) => existsSync(path));
  if (file === undefined) return undefined;
  const libs = existsSync(join(root, "usr/lib"))
    ? readdirSync(join(root, "usr/lib")).map((name) => join(root, "usr/lib", name))
    : [];
  return {
    file,
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [...libs, process.env["LD_LIBRARY_PATH"] ?? ""].filter(Boolean).join(":"),
    },
  };
}

async function waitUp(port: number, child: ChildProcess, what: string, samePid = true): Promise<void> {
  for (let i = 0; i < 400; i += 1) {
    if (child.exitCode !== null) throw new Error(`${what} ended with code ${child.exitCode}`);
    if (await answers("127.0.0.1", port, samePid ? child.pid : undefined)) return;
    await sleep(25);
  }
  throw new Error(`${what} did not answer on port ${port}`);
}

async function serve(
  binary: Binary,
  how: string,
  dataDir: string | undefined,
  wantedPort?: number,
): Promise<RedisHandle> {
  const dir = dataDir ?? mkdtempSync(join(tmpdir(), "redis-"));
  mkdirSync(dir, { recursive: true });
  const port = wantedPort ?? (await freePort());
  const persistence = dataDir === undefined ? ["--save", "", "--appendonly", "no"] : ["--appendonly", "yes"];
  const child = spawn(
    binary.file,
    [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      dir,
      "--maxmemory-policy",
      "noeviction",
      "--loglevel",
      "warning",
      ...persistence,
    ],
    // Its own process group: Ctrl-C reaches the app first, which then still has its Redis to close workers with.
    { stdio: ["ignore", "ignore", "inherit"], detached: true, ...(binary.env ? { env: binary.env } : {}) },
  );
  const failed = once(child, "error").then(([error]) => {
    throw error;
  });
  await Promise.race([waitUp(port, child, how), failed]);
  return {
    url: `redis://127.0.0.1:${port}`,
    how,
    async stop() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      if (dataDir === undefined) rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function fromJs(): Promise<RedisHandle> {
  const cli = join(createRequire(import.meta.url).resolve("js-redis-server"), "..", "cli.js");
  const port = await freePort();
  const child = spawn(process.execPath, [cli, "--port", String(port)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await waitUp(port, child, "js-redis-server", false);
  return {
    url: `redis://127.0.0.1:${port}`,
    how: "js-redis-server (in memory, slow: for a first look only)",
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

function docker(): Binary | undefined {
  if (onPath(["docker"]) === undefined) return undefined;
  try {
    execFileSync("docker", ["info"], { stdio: "ignore", timeout: 10_000 });
  } catch {
    return undefined;
  }
  return { file: "docker" };
}

export interface RedisOptions {
  /** Keep data here; a temporary folder that goes away with the server when absent. */
  readonly dataDir?: string;
  readonly cache?: string;
}

/** The first way to a Redis that this machine offers. REDIS_PROVIDER=path|apt|docker|js pins one. */
export async function ensureRedis(options: RedisOptions = {}): Promise<RedisHandle> {
  const cache =
    options.cache ?? process.env["UNDERSTUDY_CACHE_DIR"] ?? join(homedir(), ".cache", "understudy");
  const pinned = process.env["REDIS_PROVIDER"];
  const tried: string[] = [];
  for (const provider of order) {
    if (pinned !== undefined && pinned !== provider) continue;
    try {
      if (provider === "url") {
        const raw = process.env["REDIS_URL"];
        if (raw === undefined || raw === "") continue;
        const { hostname, port } = new URL(raw);
        if (!(await answers(hostname, Number(port || 6379))))
          throw new Error(`REDIS_URL=${raw} does not answer`);
        return { url: raw, how: "REDIS_URL", stop: () => Promise.resolve() };
      }
      if (provider === "path") {
        const file = onPath(["redis-server", "valkey-server"]);
        if (file !== undefined) return await serve({ file }, file, options.dataDir);
        tried.push("no redis-server or valkey-server on PATH");
      }
      if (provider === "apt") {
        const binary = fromApt(cache);
        if (binary !== undefined)
          return await serve(binary, `${binary.file} (unpacked from apt)`, options.dataDir);
        tried.push("no apt-get and dpkg");
      }
      if (provider === "docker") {
        if (docker() === undefined) tried.push("no docker engine");
        else {
          execFileSync("docker", ["compose", "up", "-d", "--wait", "redis"], { stdio: "inherit" });
          return { url: "redis://127.0.0.1:6379", how: "docker compose", stop: () => Promise.resolve() };
        }
      }
      if (provider === "js") return await fromJs();
    } catch (error) {
      if (provider === "url") throw error;
      tried.push(`${provider}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`No Redis could be started. Set REDIS_URL.\n- ${tried.join("\n- ")}`);
}
