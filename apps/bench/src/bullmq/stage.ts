import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import type { Redis } from "@understudy/queue";

import { type Program, startProgram } from "../failover/program.ts";
import { watchOthers } from "./others.ts";
import { connected } from "./samples/producer.ts";
import type { Order, Sample, System, Work } from "./types.ts";

const run = promisify(execFile);

/** A sample that takes longer hangs. */
const PATIENCE_MS = 180_000;

/** With all the CPU that the process has used. */
type Said = Sample & { readonly cpuMs: number };

/** Where samples are taken: a private Redis on an append-only file, and a core of its own for it where there are two. */
export class Stage implements AsyncDisposable {
  readonly isSmoke: boolean;
  readonly isPinned: boolean;
  readonly redis: Redis;
  readonly url: string;
  readonly #server: Program;
  readonly #dataDir: string;
  readonly #programs: Program[] = [];
  #nth = 0;

  private constructor(
    isSmoke: boolean,
    parts: {
      readonly server: Program;
      readonly redis: Redis;
      readonly dataDir: string;
      readonly isPinned: boolean;
    },
  ) {
    this.isSmoke = isSmoke;
    this.isPinned = parts.isPinned;
    this.redis = parts.redis;
    this.#server = parts.server;
    this.#dataDir = parts.dataDir;
    this.url = String(parts.server.said["url"]);
  }

  static async open(isSmoke: boolean): Promise<Stage> {
    const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
    const server = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
    const redis = await connected(String(server.said["url"]));
    // As Redis is mostly run. A rewrite of the file in the middle of a sample would be noise.
    await redis.config("SET", "appendfsync", "everysec", "auto-aof-rewrite-percentage", "0");
    const isPinned = !isSmoke && (await pin(Number(server.said["pid"]), 1));
    return new Stage(isSmoke, { server, redis, dataDir, isPinned });
  }

  /** A program that answers the systems from Redis' core. */
  async start(main: string, args: readonly string[] = []): Promise<Program> {
    const program = await startProgram(main, {}, (line) => "url" in line, args);
    if (this.isPinned) await pin(program.pid, 1);
    this.#programs.push(program);
    return program;
  }

  /** Forgets everything, on disk too. */
  async empty(): Promise<void> {
    // In the short form both systems are at work, in namespaces of their own.
    if (this.isSmoke) return;
    await this.redis.flushall("ASYNC");
    await this.#until("memory", /^lazyfree_pending_objects:0\r?$/mu);
    await this.redis.bgrewriteaof();
    await this.#until("persistence", /^aof_rewrite_in_progress:0\r?\naof_rewrite_scheduled:0\r?$/mu);
  }

  /** A name for what one sample leaves in Redis. */
  namespace(system: System): string {
    this.#nth += 1;
    return `${system}-${this.#nth}`;
  }

  /** Does one piece of work in a fresh process. */
  async sample(system: System, namespace: string, work: Work): Promise<Sample> {
    const order: Order = { system, redis: this.url, namespace, work };
    return await this.measure("sample.ts", order);
  }

  /** Runs one of the programs of this folder in a fresh process. @returns its last line */
  async measure(program: string, order: unknown, ours: readonly number[] = []): Promise<Sample> {
    const watched = [Number(this.#server.said["pid"]), ...this.#programs.map(({ pid }) => pid), ...ours];
    const others = watchOthers(watched);
    const file = join(import.meta.dirname, program);
    const node = [process.execPath, "--conditions=@understudy/source", file, JSON.stringify(order)];
    const [command = "", ...args] = this.isPinned ? ["taskset", "-c", "0", ...node] : node;
    // The code of all these processes is compiled once.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(this.#dataDir, "compiled") };
    const { stdout, stderr } = await run(command, args, { env, timeout: PATIENCE_MS });
    if (stderr !== "") console.error(stderr.slice(0, 2000));
    const { cpuMs, ...sample } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Said;
    return this.isSmoke ? sample : { ...sample, others: others(cpuMs) };
  }

  async #until(section: string, isSo: RegExp): Promise<void> {
    while (!isSo.test(await this.redis.info(section))) await sleep(10);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.disconnect();
    for (const program of this.#programs) await program.stop();
    await this.#server.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

/** All threads of a process to one core; the scheduler often puts Redis and its client on the same. */
async function pin(pid: number, core: number): Promise<boolean> {
  if (availableParallelism() < 2) return false;
  try {
    await run("taskset", ["-a", "-cp", String(core), String(pid)]);
    return true;
  } catch {
    return false;
  }
}
