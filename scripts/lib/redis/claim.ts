import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ask } from "./probe.ts";
import { isAlive } from "./process-alive.ts";

/** The right to let a server work on a data folder: two servers on one append-only file destroy it. */
export interface Claim {
  /** Notes the server, so that it can be found again should this process die without a word. */
  note(url: string, pid: number | undefined): void;
  release(): void;
}

interface Holder {
  readonly owner: number;
  readonly since: number;
  readonly url?: string;
  readonly pid?: number;
}

/** A holder that has no server yet is starting one; after this long it is a leftover whose pid belongs to another. */
const startWithinMs = 60_000;

/** Takes the folder, or says who has it. A server left over by a dead owner, and provably ours, is ended first. */
export async function claimFolder(dir: string): Promise<Claim> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, "understudy.lock");
  const mine: Holder = { owner: process.pid, since: Date.now() };
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (create(file, mine)) return claim(file, mine);
    const text = read(file);
    if (text === undefined) continue;
    const holder = parse(text);
    if (holder !== undefined) {
      const serves = await isServing(holder, dir);
      const isStarting = holder.url === undefined && Date.now() - holder.since < startWithinMs;
      if (isAlive(holder.owner) && (serves || isStarting)) throw new Error(inUse(dir, holder));
      if (serves) await end(holder);
    }
    removeIfStill(file, text);
  }
  throw new Error(`${dir} is being claimed by several processes at once. Run this again.`);
}

function claim(file: string, mine: Holder): Claim {
  const release = (): void => {
    process.off("exit", release);
    if (parse(read(file) ?? "")?.owner === process.pid) rmSync(file, { force: true });
  };
  process.once("exit", release);
  return {
    note: (url, pid) => {
      writeFileSync(file, JSON.stringify({ ...mine, url, ...(pid === undefined ? {} : { pid }) }));
    },
    release,
  };
}

function inUse(dir: string, { owner, url }: Holder): string {
  const share = url === undefined ? "" : `, or share its Redis: REDIS_URL=${url}`;
  return `${dir} is in use by the running process ${owner}. End that one first${share}.`;
}

function create(file: string, holder: Holder): boolean {
  try {
    writeFileSync(file, JSON.stringify(holder), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock that was judged, not one that a faster process has put in its place since. */
function removeIfStill(file: string, text: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, "utf8") !== text) linkSync(aside, file);
  } catch {
    // somebody else was faster; the next round sees what there is
  } finally {
    rmSync(aside, { force: true });
  }
}

/** The proof that the server at that address is the noted one: its own process id and its own folder. */
async function isServing({ url, pid }: Holder, dir: string): Promise<boolean> {
  if (url === undefined || pid === undefined || !isAlive(pid)) return false;
  try {
    return await ask(url, async (redis) => {
      const isThatProcess = new RegExp(`^process_id:${pid}\\r?$`, "mu").test(await redis.info("server"));
      const folder = (await redis.config("GET", "dir")) as readonly string[];
      return isThatProcess && folder[1] === dir;
    });
  } catch {
    return false;
  }
}

async function end({ pid = 0 }: Holder): Promise<void> {
  process.kill(pid, "SIGTERM");
  for (let waitedMs = 0; isAlive(pid); waitedMs += 20) {
    if (waitedMs >= 10_000)
      throw new Error(`a left-over Redis (process ${pid}) does not end: kill ${pid}, then run this again.`);
    await sleep(20);
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "owner" in value && "since" in value
      ? (value as Holder)
      : undefined;
  } catch {
    return undefined; // half written: its writer died, or is at it this very moment
  }
}
