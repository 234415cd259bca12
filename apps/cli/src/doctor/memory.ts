import { type Finding, findings } from "./finding.ts";
import type { Server } from "./server.ts";

const NEEDED = [6, 2] as const;

/** BullMQ starts on less, and warns; we ask for LPOS and ZADD with GT as well. */
export async function checkVersion(server: Server): Promise<readonly Finding[]> {
  const told = findings("version");
  const info = await server.info();
  const name = info.get("server_name") ?? (info.has("dragonfly_version") ? "dragonfly" : "redis");
  const version = info.get(`${name}_version`) ?? info.get("redis_version");
  const get = "docker pull redis:8";
  if (version === undefined) return [told.warning("Cannot tell: the server does not tell its version.", get)];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isEnough = name === "dragonfly" || major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
  return [
    isEnough
      ? told.ok(`${name} ${version}`)
      : told.problem(`${name} ${version} is too old: ${NEEDED.join(".")} or later is needed.`, get),
  ];
}

export async function checkEviction(server: Server): Promise<readonly Finding[]> {
  const told = findings("eviction");
  const policy = (await server.info()).get("maxmemory_policy") ?? (await server.config("maxmemory-policy"));
  const mend = `${server.cli("CONFIG SET maxmemory-policy noeviction")} && ${server.cli("CONFIG REWRITE")}`;
  if (policy === undefined)
    return [
      told.warning(
        "Cannot tell: the server does not tell its maxmemory-policy, which must be noeviction.",
        mend,
      ),
    ];
  if (policy === "noeviction") return [told.ok("noeviction")];
  return [
    told.problem(
      `maxmemory-policy is ${policy}: when memory is full, Redis throws jobs away without a word.`,
      mend,
    ),
  ];
}

const TIGHT = 0.75;
const FULL = 0.9;

export async function checkMemory(server: Server, isProduction: boolean): Promise<readonly Finding[]> {
  const told = findings("memory");
  const info = await server.info();
  const [used, max, system] = ["used_memory", "maxmemory", "total_system_memory"].map((name) =>
    Number(info.get(name) ?? 0),
  ) as [number, number, number];
  if (used === 0)
    return [
      told.warning("Cannot tell: the server does not tell how much it uses.", server.cli("INFO memory")),
    ];
  const limit = max === 0 ? system : max;
  const share = limit === 0 ? 0 : used / limit;
  const words = `${mebibytes(used)} used${limit === 0 ? "" : ` of ${mebibytes(limit)}${max === 0 ? ", all that the machine has" : ""}`}`;
  const more = server.cli(
    `CONFIG SET maxmemory ${mebibytes(Math.ceil(limit * 1.5)).replaceAll(" MiB", "mb")}`,
  );
  if (share >= FULL) return [told.problem(`${words}: nearly full, and then no job is taken any more.`, more)];
  if (share >= TIGHT) return [told.warning(`${words}: it gets tight.`, more)];
  if (max === 0 && isProduction)
    return [
      told.warning(
        `${words}, and no maxmemory: the system ends Redis when it has taken all.`,
        server.cli(`CONFIG SET maxmemory ${Math.max(64, Math.floor((system * 0.7) / 2 ** 20))}mb`),
      ),
    ];
  return [told.ok(words)];
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

export async function checkClients(server: Server): Promise<readonly Finding[]> {
  const told = findings("clients");
  const info = await server.info();
  const connected = Number(info.get("connected_clients"));
  const max = Number(info.get("maxclients") ?? (await server.config("maxclients")));
  if (!Number.isFinite(connected) || !Number.isFinite(max) || max === 0)
    return [
      told.warning(
        "Cannot tell: the server does not tell how many may connect.",
        server.cli("CONFIG GET maxclients"),
      ),
    ];
  const words = `${connected} of ${max} connections`;
  const more = server.cli(`CONFIG SET maxclients ${max * 2}`);
  return [
    connected >= max * FULL ? told.problem(`${words}: workers will be turned away.`, more) : told.ok(words),
  ];
}
