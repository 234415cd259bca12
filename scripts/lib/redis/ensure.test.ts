import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { beforeEach, describe, expect, inject, onTestFinished, test } from "vitest";

import { ensureRedis } from "./ensure.ts";
import { checkEviction } from "./eviction.ts";
import { findOnPath } from "./find-on-path.ts";
import type { RedisHandle, RedisOptions } from "./link.ts";
import { answers, ask, freePort } from "./probe.ts";
import { isAlive } from "./process-alive.ts";

/** What the machine offers is found out first, so that a test that cannot run says so and why. */
const cache = process.env["UNDERSTUDY_CACHE_DIR"] ?? join(tmpdir(), "understudy-test-cache");
const apt = await ensureRedis({ cache, quiet: true, env: { ...process.env, REDIS_PROVIDER: "apt" } }).then(
  async (redis) => {
    await redis.stop();
    return { works: true, why: "" };
  },
  (error: unknown) => ({ works: false, why: String(error) }),
);
const server = await startServerLike(process.env);
const noServer =
  server === undefined ? " (skipped: this machine has no redis-server, and apt gave none)" : "";

/** A command that starts a real server under the name redis-server: the one on PATH, or the one unpacked from apt. */
async function startServerLike(
  env: NodeJS.ProcessEnv,
): Promise<{ file: string; libraries: string } | undefined> {
  const file = findOnPath(["redis-server", "valkey-server"], env);
  if (file !== undefined) return { file, libraries: "" };
  if (!apt.works) return undefined;
  const redis = await ensureRedis({ cache, quiet: true, env: { ...env, REDIS_PROVIDER: "apt" } });
  await redis.stop();
  const unpacked = redis.how.replace(" (unpacked from apt)", "");
  const root = dirname(dirname(dirname(unpacked)));
  return { file: unpacked, libraries: `${root}/usr/lib/x86_64-linux-gnu:${root}/usr/lib/aarch64-linux-gnu` };
}

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "understudy-redis-test-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
});

/** A PATH of our own making: `sh` and `node` and nothing else, unless a test adds it. */
function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const bin = join(dir, "bin");
  mkdirSync(bin, { recursive: true });
  for (const name of ["sh", "env"]) {
    const file = findOnPath([name], process.env);
    if (file !== undefined && !existsSync(join(bin, name))) symlinkSync(file, join(bin, name));
  }
  return { PATH: bin, HOME: dir, ...extra };
}

function addCommand(name: string, script: string): void {
  environment();
  const file = join(dir, "bin", name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

/** Puts a real server on the PATH of the test, under this name. */
function addServer(name = "redis-server"): void {
  addCommand(name, `LD_LIBRARY_PATH='${server?.libraries}' exec '${server?.file}' "$@"`);
}

async function start(options: RedisOptions): Promise<RedisHandle> {
  const redis = await ensureRedis({ cache: join(dir, "cache"), quiet: true, ...options });
  onTestFinished(() => redis.stop());
  return redis;
}

async function untilGone(pid: number): Promise<void> {
  for (let i = 0; isAlive(pid) && i < 250; i += 1) await sleep(20);
  expect(isAlive(pid)).toBe(false);
}

const setting = (url: string, name: string): Promise<unknown> =>
  ask(url, async (redis) => ((await redis.config("GET", name)) as readonly string[])[1]);

describe("REDIS_URL", () => {
  test("the server that it names is used, and left running", async () => {
    const url = inject("redisUrl");
    const redis = await start({ env: environment({ REDIS_URL: url }) });
    expect(redis).toMatchObject({ url, how: expect.stringContaining("REDIS_URL") });
    expect(redis.notice).toBeUndefined();
    await redis.stop();
    expect(await answers(url)).toBe(true);
  });

  test("one that nobody answers is an error that says so; no other way is tried behind its back", async () => {
    addServer();
    const REDIS_URL = `redis://127.0.0.1:${await freePort()}`;
    await expect(ensureRedis({ env: environment({ REDIS_URL }) })).rejects.toThrow(/nothing listens there/u);
  });

  test("its password is never printed, whether it is refused or the URL is malformed", async () => {
    const { host } = new URL(inject("redisUrl"));
    for (const REDIS_URL of [
      `redis://somebody:s3cret@${host}`,
      "redis://:s3cret@",
      "s3cret@host",
      `http://:s3cret@${host}`,
    ]) {
      const error: unknown = await ensureRedis({ env: environment({ REDIS_URL }) }).catch(
        (caught: unknown) => caught,
      );
      expect(error).toBeInstanceOf(Error);
      expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain("s3cret");
    }
  });

  test.skipIf(server === undefined)(
    `a server that asks for a password takes the one in the URL${noServer}`,
    async () => {
      addServer();
      const own = await start({ env: environment() });
      await ask(own.url, (redis) => redis.config("SET", "requirepass", "s3cret"));
      const withPassword = own.url.replace("//", "//:s3cret@");
      expect(await start({ env: environment({ REDIS_URL: withPassword }) })).toMatchObject({
        url: withPassword,
      });
      await expect(ensureRedis({ env: environment({ REDIS_URL: own.url }) })).rejects.toThrow(
        /asks for a password/u,
      );
    },
  );

  test.skipIf(server === undefined)(`a server that may evict is reported in words${noServer}`, async () => {
    addServer();
    const own = await start({ env: environment() });
    expect(await checkEviction(own.url)).toBeUndefined();
    await ask(own.url, (redis) => redis.config("SET", "maxmemory-policy", "allkeys-lru"));
    const named = await start({ env: environment({ REDIS_URL: own.url }) });
    expect(named.notice).toMatch(/maxmemory-policy allkeys-lru.*throws jobs away/u);
    await ask(own.url, (redis) =>
      redis.call("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-config"),
    );
    expect(await checkEviction(own.url.replace("//", "//app:pw@"))).toMatch(/allkeys-lru/u);
  });
});

describe.skipIf(server === undefined)(`a server from PATH${noServer}`, () => {
  test.each(["redis-server", "valkey-server"])(
    "%s starts on loopback, without eviction, without files, and is gone after stop",
    async (name) => {
      addServer(name);
      const redis = await start({ env: environment() });
      expect(redis.how).toBe(join(dir, "bin", name));
      expect(await setting(redis.url, "bind")).toBe("127.0.0.1");
      expect(await setting(redis.url, "maxmemory-policy")).toBe("noeviction");
      expect(await setting(redis.url, "appendonly")).toBe("no");
      const folder = String(await setting(redis.url, "dir"));
      expect(existsSync(folder)).toBe(true);
      await redis.stop();
      await redis.stop();
      await untilGone(redis.pid ?? 0);
      expect(existsSync(folder)).toBe(false);
    },
  );

  test("with a data folder it keeps what it was told, synced every second, across runs", async () => {
    addServer();
    const dataDir = join(dir, "data");
    const first = await start({ dataDir, env: environment() });
    expect(await setting(first.url, "appendfsync")).toBe("everysec");
    await ask(first.url, (redis) => redis.set("kept", "yes"));
    await first.stop();
    const second = await start({ dataDir, env: environment() });
    expect(await ask(second.url, (redis) => redis.get("kept"))).toBe("yes");
  });

  test("it may be synced with every write", async () => {
    addServer();
    const redis = await start({ dataDir: join(dir, "data"), sync: "always", env: environment() });
    expect(await setting(redis.url, "appendfsync")).toBe("always");
  });

  test("persist: false leaves a data folder without an append-only file", async () => {
    addServer();
    const redis = await start({ dataDir: join(dir, "data"), persist: false, env: environment() });
    expect(await setting(redis.url, "appendonly")).toBe("no");
  });

  test("the port can be chosen; one that is taken is an error, never the server that has it", async () => {
    addServer();
    const port = await freePort();
    const first = await start({ port, env: environment() });
    expect(first.url).toBe(`redis://127.0.0.1:${port}`);
    const second = ensureRedis({ port, quiet: true, env: environment({ REDIS_PROVIDER: "path" }) });
    await expect(second).rejects.toThrow(/in use/iu);
  });

  test("a second run on the same data folder is told who has it and how to share it", async () => {
    addServer();
    const dataDir = join(dir, "data");
    const first = await start({ dataDir, env: environment() });
    const second = ensureRedis({ dataDir, quiet: true, env: environment() });
    await expect(second).rejects.toThrow(`in use by the running process ${process.pid}`);
    await expect(ensureRedis({ dataDir, quiet: true, env: environment() })).rejects.toThrow(
      `REDIS_URL=${first.url}`,
    );
  });

  test("it ends soon after its owner, also after a kill -9, and the next run has the folder again", async () => {
    addServer();
    const dataDir = join(dir, "data");
    const { owner, url, pid } = await startInAnotherProcess(dataDir);
    await ask(url, (redis) => redis.set("kept", "yes"));
    owner.kill("SIGKILL");
    await once(owner, "exit");
    const next = await start({ dataDir, env: environment() });
    await untilGone(pid);
    expect(await ask(next.url, (redis) => redis.get("kept"))).toBe("yes");
  });

  test("a server that a dead owner left on the folder is ended before the folder is used", async () => {
    addServer();
    const dataDir = join(dir, "data");
    const left = await start({ dataDir, env: environment() });
    // What a crash of owner and leash together would leave: a server, and a lock of a process that is no more.
    const gone = spawn("true");
    await once(gone, "exit");
    writeFileSync(
      join(dataDir, "understudy.lock"),
      JSON.stringify({ owner: gone.pid, since: 0, url: left.url, pid: left.pid }),
    );
    const next = await start({ dataDir, env: environment() });
    expect(next.pid).not.toBe(left.pid);
    expect(isAlive(left.pid ?? 0)).toBe(false);
  });

  test("a lock whose process ids belong to others by now is no obstacle, and those processes are left alone", async () => {
    addServer();
    const dataDir = join(dir, "data");
    mkdirSync(dataDir);
    const stranger = spawn("sleep", ["30"]);
    onTestFinished(() => void stranger.kill());
    const holder = {
      owner: stranger.pid,
      since: 0,
      url: `redis://127.0.0.1:${await freePort()}`,
      pid: stranger.pid,
    };
    writeFileSync(join(dataDir, "understudy.lock"), JSON.stringify(holder));
    await start({ dataDir, env: environment() });
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
  });

  test("stop is waited for by a process that has nothing else to do", async () => {
    addServer();
    const { code, output } = await runInAnotherProcess(`
      const redis = await ensureRedis({ quiet: true });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await redis.stop();
      console.log("stopped");`);
    expect({ code, output }).toEqual({ code: 0, output: "stopped" });
  });

  test("a process that forgets to stop it ends all the same, and takes it along", async () => {
    addServer();
    const { code, output } = await runInAnotherProcess(
      "console.log((await ensureRedis({ quiet: true })).pid);",
    );
    expect(code).toBe(0);
    await untilGone(Number(output));
  });

  async function runInAnotherProcess(code: string): Promise<{ code: number | null; output: string }> {
    const child = spawnModule(code);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    await once(child, "close");
    return { code: child.exitCode, output: output.trim() };
  }

  function spawnModule(code: string) {
    const index = JSON.stringify(join(import.meta.dirname, "index.ts"));
    const args = ["--input-type=module-typescript", "-e", `import { ensureRedis } from ${index};\n${code}`];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env: environment() });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  }

  async function startInAnotherProcess(dataDir: string) {
    const owner = spawnModule(`
      const { url, pid } = await ensureRedis({ dataDir: ${JSON.stringify(dataDir)}, quiet: true });
      console.log(JSON.stringify({ url, pid }));
      setInterval(() => {}, 1000);`);
    const [line] = (await once(createInterface({ input: owner.stdout }), "line")) as [string];
    return { owner, ...(JSON.parse(line) as { url: string; pid: number }) };
  }
});

test.skipIf(!apt.works)(
  `apt: the distribution's server is unpacked into the cache and started from there${apt.works ? "" : ` (skipped: ${apt.why})`}`,
  async () => {
    const fresh = join(dir, "cache");
    const redis = await start({
      cache: fresh,
      env: { ...process.env, REDIS_URL: "", REDIS_PROVIDER: "apt" },
    });
    expect(redis.how).toContain(join(fresh, "redis-apt"));
    expect(await setting(redis.url, "maxmemory-policy")).toBe("noeviction");
  },
  120_000,
);

test("js: the last resort answers, runs Lua, and says that it is slow and keeps nothing", async () => {
  const redis = await start({ env: environment({ REDIS_PROVIDER: "js" }) });
  expect(redis).toMatchObject({
    how: "js-redis-server",
    notice: expect.stringMatching(/slow.*keeps nothing/u),
  });
  expect(await ask(redis.url, (client) => client.eval("return redis.call('INCR', KEYS[1])", 1, "n"))).toBe(1);
  await redis.stop();
  expect(await answers(redis.url)).toBe(false);
});

// No engine runs on the machines this was written on: `docker` is played by docker-stand-in.ts, which records the
// arguments and starts a real redis-server with them. What a real engine does with them is not tested here.
describe.skipIf(server === undefined)(`docker, with a stand-in for the docker command${noServer}`, () => {
  let env: NodeJS.ProcessEnv;
  beforeEach(async () => {
    const standIn = join(import.meta.dirname, "docker-stand-in.ts");
    addCommand("docker", `exec '${process.execPath}' '${standIn}' "$@"`);
    const REAL_REDIS = join(dir, "real-redis");
    writeFileSync(
      REAL_REDIS,
      `#!/bin/sh\nLD_LIBRARY_PATH='${server?.libraries}' exec '${server?.file}' "$@"\n`,
    );
    chmodSync(REAL_REDIS, 0o755);
    const STAND_IN_PORT = String(await freePort());
    env = environment({ REDIS_PROVIDER: "docker", REAL_REDIS, STAND_IN_DIR: dir, STAND_IN_PORT });
  });
  const calls = (): readonly string[][] =>
    readFileSync(join(dir, "calls"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as string[]);

  test("a container of its own is started on a free loopback port, with a volume and without eviction, and stopped", async () => {
    const redis = await start({ dataDir: join(dir, "data"), env });
    const run = calls().find(([command]) => command === "run");
    expect(run?.join(" ")).toMatch(
      /^run --rm -d --label \S+ -p 127\.0\.0\.1::6379 -v understudy-redis-\w+:\/data redis:/u,
    );
    expect(run?.join(" ")).toContain("--maxmemory-policy noeviction");
    expect(run?.join(" ")).toContain("--appendonly yes --appendfsync everysec");
    expect(redis).toMatchObject({
      url: `redis://127.0.0.1:${env["STAND_IN_PORT"]}`,
      how: expect.stringContaining("docker"),
    });
    expect(await setting(redis.url, "maxmemory-policy")).toBe("noeviction");
    await redis.stop();
    await redis.stop();
    expect(calls().filter(([command]) => command === "stop")).toHaveLength(1);
    expect(await answers(redis.url)).toBe(false);
  });

  test("a container whose owner was killed is stopped by the next run", async () => {
    const left = await ensureRedis({ quiet: true, env });
    const [id] = /c\d+/u.exec(left.how) ?? [""];
    const gone = spawn("true");
    await once(gone, "exit");
    const file = join(dir, `${id}.container`);
    const container = JSON.parse(readFileSync(file, "utf8")) as { pid: number };
    writeFileSync(file, JSON.stringify({ ...container, labels: [`understudy.redis.owner=${gone.pid}`] }));
    await start({ env: { ...env, STAND_IN_PORT: String(await freePort()) } });
    expect(calls()).toContainEqual(["stop", id]);
    await untilGone(container.pid);
  });

  test("a docker command without an engine is no way to a Redis", async () => {
    writeFileSync(join(dir, "no-engine"), "");
    await expect(ensureRedis({ quiet: true, env })).rejects.toThrow(/no engine answers/u);
  });
});

test("with nothing on the machine, js-redis-server is what is left, and the notice says so", async () => {
  const redis = await start({ env: environment() });
  expect(redis.how).toBe("js-redis-server");
});

test("when nothing starts, one message says what was tried and what to install", async () => {
  addCommand("redis-server", "echo broken on purpose; exit 3");
  // js-redis-server is run by node itself: only a port that is taken keeps it from starting.
  const taken = Number(new URL(inject("redisUrl")).port);
  const error: unknown = await start({ port: taken, env: environment() }).catch((caught: unknown) => caught);
  expect(String(error)).toMatch(
    /No Redis could be started\. Install redis-server .* or Docker,\nor set REDIS_URL/u,
  );
  for (const way of ["path: .*broken on purpose", "apt: no apt-get", "docker: docker is not on PATH", "js: "])
    expect(String(error)).toMatch(new RegExp(`- ${way}`, "u"));
});

test("an unknown REDIS_PROVIDER is an error that lists the known ones", async () => {
  const env = environment({ REDIS_PROVIDER: "homebrew" });
  await expect(ensureRedis({ env })).rejects.toThrow(
    /REDIS_PROVIDER=homebrew is unknown.*path, apt, docker, js/u,
  );
});

test("a pinned way that fails says why, and no other is tried", async () => {
  const env = environment({ REDIS_PROVIDER: "path" });
  await expect(ensureRedis({ env })).rejects.toThrow(
    /path: neither redis-server nor valkey-server is on PATH/u,
  );
});
