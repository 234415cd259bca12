import { connectProducer, type Redis } from "@understudy/queue";

import { Complaint, exitCodes } from "../exit.ts";
import { placeOf } from "../settings.ts";

/** One Redis server as the checks ask it. */
export interface Server {
  readonly redis: Redis;
  readonly url: URL;
  /** The lines of INFO, by name; none when it refuses INFO. */
  info(): Promise<ReadonlyMap<string, string>>;
  /** Undefined when it refuses CONFIG, as managed servers do, or knows no such setting. */
  config(name: string): Promise<string | undefined>;
  /** How to say something to it by hand; never a password. */
  readonly cli: (command: string) => string;
  close(): void;
}

/** @throws Complaint when it is not to be reached, or does not let us in, within the deadline */
export async function connectServer(redisUrl: string, deadlineMs: number): Promise<Server> {
  const redis = connectProducer(redisUrl);
  await ready(redis, redisUrl, deadlineMs);
  let lines: Promise<ReadonlyMap<string, string>> | undefined;
  const url = new URL(redisUrl);
  return {
    redis,
    url,
    info: () => (lines ??= readInfo(redis)),
    async config(name) {
      const reply = (await redis.config("GET", name).catch(() => [])) as readonly string[];
      return reply[1];
    },
    cli: (command) => `redis-cli${whereFlags(url)} ${command}`,
    close: () => redis.disconnect(),
  };
}

async function ready(redis: Redis, redisUrl: string, deadlineMs: number): Promise<void> {
  let last: Error | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  redis.on("error", (error: Error) => {
    last = error;
    if (isRefusal(error)) reject(error);
  });
  redis.once("ready", resolve);
  const timer = setTimeout(() => reject(last ?? new Error("no answer")), deadlineMs);
  try {
    await promise;
  } catch (error) {
    redis.disconnect();
    throw new Complaint(sentenceOf(error as Error, placeOf(redisUrl), deadlineMs), exitCodes.redis);
  } finally {
    clearTimeout(timer);
  }
}

async function readInfo(redis: Redis): Promise<ReadonlyMap<string, string>> {
  try {
    return parseInfo(await redis.info());
  } catch (error) {
    if (/^(?:NOPERM|ERR unknown command)/u.test((error as Error).message)) return new Map();
    throw error;
  }
}

function isRefusal({ message }: Error): boolean {
  return /^(?:NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR invalid password)/u.test(message);
}

function sentenceOf(error: Error, place: string, deadlineMs: number): string {
  if (isRefusal(error))
    return `Redis at ${place} does not let us in (${error.message.split(" ")[0]}); set user and password in REDIS_URL.`;
  const code = "code" in error ? String(error.code) : error.message.slice(0, 80);
  return `Redis at ${place} gave no answer within ${deadlineMs} ms (${code}); check that it runs there, and REDIS_URL.`;
}

export function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(/\r?\n/u).flatMap((line) => {
      const [, name, value] = /^([^#:]+):(.*)$/u.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function whereFlags({ hostname, port, protocol }: URL): string {
  const isUsual = ["127.0.0.1", "localhost"].includes(hostname) && ["", "6379"].includes(port);
  const where = isUsual ? "" : ` -h ${hostname} -p ${port === "" ? "6379" : port}`;
  return protocol === "rediss:" ? `${where} --tls` : where;
}
