import { UnderstudyError } from "@understudy/core";
import { Redis, type RedisOptions } from "ioredis";

/** How to reach Redis: a URL (redis:// or rediss://), or ioredis options. */
export type RedisLocation = string | RedisOptions;

const producerOptions = {
  // A command for a dead connection fails at once instead of landing long after its caller gave up.
  enableOfflineQueue: false,
  // ioredis must not send a command again by itself: a second add would find what the first stored and say "duplicate".
  maxRetriesPerRequest: 0,
} as const satisfies RedisOptions;

const workerOptions = {
  // BullMQ's blocking fetch must outlive any outage.
  maxRetriesPerRequest: null,
} as const satisfies RedisOptions;

const reconnect = { retryStrategy: (tries: number): number => Math.min(50 * 2 ** Math.min(tries, 6), 2000) };

/** A connection for producers: fails fast, reconnects by itself. */
export function connectProducer(redis: RedisLocation): Redis {
  return connect(redis, { ...reconnect, ...producerOptions });
}

/** A connection for workers: waits for Redis to come back. What is duplicated from it ends with it. */
export function connectWorker(redis: RedisLocation): Redis {
  const connection = connect(redis, { ...reconnect, ...workerOptions });
  const duplicate = connection.duplicate.bind(connection);
  // BullMQ blocks on a duplicate, and waits for it when it closes: with a silent Redis for ever.
  const copies: Redis[] = [];
  connection.duplicate = (override) => {
    const copy = mended(duplicate(override));
    copies.push(copy);
    return copy;
  };
  connection.once("end", () => {
    for (const copy of copies) copy.disconnect();
  });
  return connection;
}

function connect(redis: RedisLocation, options: RedisOptions): Redis {
  if (typeof redis === "string") checkUrl(redis);
  // ioredis tells its reply shapes apart by overloads that an options object of unknown origin matches none of.
  const Connection = Redis as unknown as new (...args: readonly unknown[]) => Redis;
  return mended(
    typeof redis === "string" ? new Connection(redis, options) : new Connection({ ...redis, ...options }),
  );
}

function mended(connection: Redis): Redis {
  return resubscribingQuietly(endingForSure(connection));
}

/**
 * ioredis subscribes again whenever it has connected again, and hears of no failure: a process that closes such a connection in that moment
 * would end by a rejection that nobody has caught. Whoever subscribes still hears of it.
 */
function resubscribingQuietly(connection: Redis): Redis {
  const subscribe = connection.subscribe.bind(connection) as (...channels: unknown[]) => Promise<unknown>;
  const quietly = (...channels: unknown[]): Promise<unknown> => {
    const subscribed = subscribe(...channels);
    subscribed.catch(() => undefined);
    return subscribed;
  };
  return Object.assign(connection, { subscribe: quietly });
}

/**
 * ioredis, told to disconnect between two tries to reach Redis, stops trying and never says that it has ended: whoever waits for
 * that, as BullMQ does when it closes, waits for ever. In the status "wait" it does say so.
 */
function endingForSure(connection: Redis): Redis {
  const disconnect = connection.disconnect.bind(connection);
  connection.disconnect = (reconnect) => {
    if (connection.status === "reconnecting" && reconnect !== true) connection.status = "wait";
    disconnect(reconnect);
  };
  return connection;
}

function checkUrl(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === "redis:" || protocol === "rediss:") return;
  // The URL itself may hold a password.
  throw new UnderstudyError(
    "option_invalid",
    "The Redis URL must look like redis://host:6379 or rediss://user:password@host:6379.",
  );
}
