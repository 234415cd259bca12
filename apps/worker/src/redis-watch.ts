import type { Logger } from "pino";

/** Tells of an outage of Redis in few lines: when it is lost, once a minute, and when it is back. */
export interface RedisWatch {
  /** Whether this was trouble with the connection, which the watch tells in its own words. */
  take(error: Error): boolean;
  /** Looks how things stand; to be called every second or so. */
  look(): void;
}

interface Options {
  readonly log: Logger;
  readonly url: string;
  readonly isReady: () => boolean;
  readonly now: () => number;
}

const REMIND_MS = 60_000;

export function createRedisWatch({ log, url, isReady, now }: Options): RedisWatch {
  // Without user and password.
  const where = `Redis at ${new URL(url).host}`;
  let away: { readonly since: number; saidAt: number } | undefined;
  let why = "it does not answer";

  const lost = (): void => {
    away = { since: now(), saidAt: now() };
    log.error(
      { event: "redis_lost", why },
      `${where} is out of reach: ${why}. Jobs wait there; this worker keeps trying`,
    );
  };
  return {
    take(error) {
      const reason = connectionTrouble(error);
      if (reason === undefined) return false;
      why = reason;
      if (away === undefined) lost();
      return true;
    },
    look() {
      const seconds = away === undefined ? 0 : Math.round((now() - away.since) / 1000);
      if (isReady()) {
        if (away !== undefined)
          log.info({ event: "redis_back", seconds }, `${where} answers after ${seconds} s`);
        away = undefined;
        why = "it does not answer";
      } else if (away === undefined) lost();
      else if (now() - away.saidAt >= REMIND_MS) {
        away.saidAt = now();
        log.error({ event: "redis_lost", why, seconds }, `${where} is out of reach for ${seconds} s: ${why}`);
      }
    },
  };
}

const connectionCodes =
  /^(?:E(?:CONN|TIMEDOUT|PIPE|NOTFOUND|AI_|HOST|NET)\w*|ERR_(?:SSL|TLS)\w*|(?:CERT|DEPTH|SELF_SIGNED|UNABLE_TO)_\w+)$/u;

const reasons: readonly (readonly [RegExp, string])[] = [
  [/^NOAUTH/u, "it asks for a password. Put it into REDIS_URL, as in redis://:password@host:6379"],
  [/^WRONGPASS|invalid password|AUTH.*without any password/u, "it refuses the user or password of REDIS_URL"],
  [/^LOADING/u, "it is loading its data"],
  [/^MASTERDOWN/u, "it is a replica that has lost its master"],
  [/Connection is closed|max retries per request|Command timed out/u, "the connection is closed"],
];

function connectionTrouble(error: Error): string | undefined {
  const known = reasons.find(([pattern]) => pattern.test(error.message));
  if (known !== undefined) return known[1];
  const code = "code" in error ? String(error.code) : "";
  if (code === "ECONNREFUSED") return "nothing listens there (ECONNREFUSED)";
  if (code === "ENOTFOUND") return "its host name is unknown (ENOTFOUND)";
  if (!connectionCodes.test(code)) return undefined;
  // Node tries several addresses of one name and then has no message of its own.
  return error.message === "" ? code : error.message;
}
