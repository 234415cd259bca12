import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** PostgreSQL refuses to be run by root; its package brings this user. */
const USER = "postgres";
/** May lose the last moments, as an append-only file that is synced every second. */
const settings = [
  "synchronous_commit=off",
  "shared_buffers=1GB",
  "max_wal_size=8GB",
  "listen_addresses=127.0.0.1",
];
const PATIENCE_MS = 20_000;

/** A private server with databases of its own, on a core of its own where that is asked for. */
export class Postgres implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #dir: string;
  readonly #port: number;
  #nth = 0;

  private constructor(child: ChildProcess, dir: string, port: number) {
    this.#child = child;
    this.#dir = dir;
    this.#port = port;
  }

  /** @throws Error where the system has no PostgreSQL on its path */
  static async open(isPinned: boolean): Promise<Postgres> {
    const who = await identity();
    const dir = mkdtempSync(join(tmpdir(), "understudy-postgres-"));
    if (who !== undefined) chownSync(dir, who.uid, who.gid);
    const data = join(dir, "data");
    const port = await freePort();
    await run("initdb", ["-D", data, "-U", USER, "-A", "trust", "--no-sync"], { ...who, cwd: dir });
    const server = [
      "postgres",
      "-D",
      data,
      "-p",
      String(port),
      "-k",
      dir,
      ...settings.flatMap((one) => ["-c", one]),
    ];
    const [command = "", ...args] = isPinned ? ["taskset", "-c", "1", ...server] : server;
    const child = spawn(command, args, { ...who, cwd: dir, stdio: "ignore" });
    const postgres = new Postgres(child, dir, port);
    await postgres.#answers();
    return postgres;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** A new database's URL. */
  async database(): Promise<string> {
    this.#nth += 1;
    const name = `bench_${this.#nth}`;
    await this.#ask(`CREATE DATABASE ${name}`);
    return `postgres://${USER}@127.0.0.1:${this.#port}/${name}`;
  }

  async #ask(sql: string): Promise<void> {
    await run("psql", ["-h", "127.0.0.1", "-p", String(this.#port), "-U", USER, "-q", "-c", sql, USER]);
  }

  async #answers(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.#ask("SELECT 1");
      } catch (error) {
        if (this.#child.exitCode !== null || performance.now() > deadline) throw error;
        await sleep(100);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      // At once, without waiting for whoever is connected.
      this.#child.kill("SIGINT");
      await once(this.#child, "exit");
    }
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

async function identity(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, USER])).stdout)),
  );
  return { uid: uid ?? 0, gid: gid ?? 0 };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
