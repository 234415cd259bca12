import { many } from "../words/count.ts";
import { type Finding, findings } from "./finding.ts";
import type { Server } from "./server.ts";

export interface Durability {
  /** Undefined when the server does not tell. */
  readonly isAppendOnly: boolean | undefined;
  readonly appendfsync: string | undefined;
  /** The snapshots' schedule; empty for none. */
  readonly save: string | undefined;
  readonly replicas: number;
  readonly isWriteBroken: boolean;
}

export async function checkPersistence(server: Server, isProduction: boolean): Promise<readonly Finding[]> {
  const info = await server.info();
  const aof = info.get("aof_enabled");
  return judgePersistence(
    {
      isAppendOnly: aof === undefined ? undefined : aof === "1",
      appendfsync: await server.config("appendfsync"),
      save: await server.config("save"),
      replicas: Number(info.get("connected_slaves") ?? 0),
      isWriteBroken: ["aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"].some(
        (name) => (info.get(name) ?? "ok") !== "ok",
      ),
    },
    isProduction,
    server.cli,
  );
}

/** What of the jobs would survive a restart, and the end of the machine. */
export function judgePersistence(
  { isAppendOnly, appendfsync, save, replicas, isWriteBroken }: Durability,
  isProduction: boolean,
  cli: Server["cli"],
): readonly Finding[] {
  const told = findings("persistence");
  const rewrite = cli("CONFIG REWRITE");
  const turnOn = `${cli("CONFIG SET appendonly yes")} && ${rewrite}`;
  const broken = isWriteBroken
    ? [
        told.problem(
          "Redis could not write its last file: its disk is full or read-only.",
          cli("INFO persistence"),
        ),
      ]
    : [];
  if (isAppendOnly === undefined)
    return [
      ...broken,
      told.warning("Cannot tell: the server does not tell whether it writes an append-only file.", turnOn),
    ];
  if (!isAppendOnly && save === "")
    return [
      ...broken,
      told.problem('Neither append-only file nor snapshots (save ""): a restart loses every job.', turnOn),
    ];
  if (!isAppendOnly) {
    const say = isProduction ? told.problem : told.warning;
    return [...broken, say("Snapshots only: a crash loses all jobs since the last one.", turnOn)];
  }
  if (appendfsync === "no") {
    const say = isProduction ? told.problem : told.warning;
    const mend = `${cli("CONFIG SET appendfsync everysec")} && ${rewrite}`;
    return [
      ...broken,
      say("appendfsync is no: a host that dies loses what the system had not written yet.", mend),
    ];
  }
  if (appendfsync !== "always" && isProduction && replicas === 0) {
    const mend = `${cli("CONFIG SET appendfsync always")} && ${rewrite}`;
    const words = appendfsync ?? "everysec, as far as is known,";
    return [
      ...broken,
      told.warning(
        `appendfsync ${words} without a replica: a host that dies loses up to a second, bindings of charges included.`,
        mend,
      ),
    ];
  }
  return [
    ...broken,
    told.ok(`append-only file, appendfsync ${appendfsync ?? "not told"}, ${many(replicas, "replica")}`),
  ];
}

/** Whether jobs can be stored here at all: a replica, or one that waits for replicas, refuses. */
export async function checkWrites(server: Server, namespace: string): Promise<readonly Finding[]> {
  const told = findings("writes");
  const info = await server.info();
  if (info.get("role") === "slave") {
    const main = `${info.get("master_host") ?? "its main server"}:${info.get("master_port") ?? "6379"}`;
    return [
      told.problem(
        "This is a replica: it takes no jobs, and shows old ones.",
        `export REDIS_URL=redis://${main}`,
      ),
    ];
  }
  const refusal = await refusedWrite(server, namespace);
  if (refusal !== undefined)
    return [told.problem(`Redis refuses to write: ${refusal}`, server.cli("INFO everything"))];
  const wanted = Number((await server.config("min-replicas-to-write")) ?? 0);
  const replicas = Number(info.get("connected_slaves") ?? 0);
  if (wanted > 0 && replicas <= wanted)
    return [
      told.warning(
        `min-replicas-to-write is ${wanted} and there are ${replicas}: when one is lost, no job is taken.`,
        server.cli(`CONFIG SET min-replicas-to-write ${Math.max(0, replicas - 1)}`),
      ),
    ];
  return [told.ok("jobs can be stored, scripts run")];
}

/** In Redis' own words. Leaves nothing behind. */
async function refusedWrite({ redis }: Server, namespace: string): Promise<string | undefined> {
  const key = `${namespace}:doctor:${crypto.randomUUID()}`;
  try {
    await redis.eval("return redis.call('SET', KEYS[1], '1', 'PX', 1000)", 1, key);
    await redis.del(key);
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).slice(0, 200);
  }
}

export function checkTransport({ url, cli }: Server, isProduction: boolean): readonly Finding[] {
  const told = findings("transport");
  const isLocal = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  const port = url.port === "" ? "6379" : url.port;
  const isOpen = url.password === "";
  const isClear = url.protocol === "redis:" && !isLocal;
  if (isProduction && (isOpen || isClear))
    return [
      ...(isOpen
        ? [
            told.warning(
              "No password: whoever reaches Redis may do anything.",
              `${cli("ACL SETUSER understudy on '>a long password' '~*' '&*' +@all")} # and in REDIS_URL`,
            ),
          ]
        : []),
      ...(isClear
        ? [
            told.warning(
              "No TLS: jobs and the password travel in the clear.",
              `export REDIS_URL=rediss://${url.hostname}:${port}`,
            ),
          ]
        : []),
    ];
  const door = isOpen ? "no password" : "password";
  return [told.ok(`${url.protocol === "rediss:" ? "TLS" : isLocal ? "this machine" : "no TLS"}, ${door}`)];
}
