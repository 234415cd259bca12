import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";

import { findOnPath } from "./find-on-path.ts";
import { type Link, type LinkContext, type RedisHandle, unavailable } from "./link.ts";
import { answers, waitUntil } from "./probe.ts";
import { isAlive } from "./process-alive.ts";

const image = "redis:7-alpine"; // keep equal to docker-compose.yml
const label = "understudy.redis.owner";

/** A container of our own on a free loopback port. Data is kept in a volume that belongs to the data folder. */
export const fromDocker: Link = async (context) => {
  const file = findOnPath(["docker"], context.env);
  if (file === undefined) return unavailable("docker is not on PATH");
  const docker: Docker = async (...args) =>
    (await promisify(execFile)(file, args, { env: context.env, timeout: 300_000 })).stdout.trim();
  try {
    await docker("info", "--format", "{{.ServerVersion}}");
  } catch {
    return unavailable("docker is on PATH, but no engine answers it (docker info fails)");
  }
  await removeLeftOvers(docker);
  context.say(`Starting ${image} with docker (the first time it is fetched) …`);
  return { kind: "up", redis: await run(docker, context) };
};

type Docker = (...args: readonly string[]) => Promise<string>;

async function run(docker: Docker, context: LinkContext): Promise<RedisHandle> {
  const words = [
    ["run", "--rm", "-d", "--label", `${label}=${process.pid}`],
    ["-p", `127.0.0.1:${context.port ?? ""}:6379`, ...volume(context.dataDir), image],
    ["redis-server", "--maxmemory-policy", "noeviction", "--save", "", "--hash-max-ziplist-value", "1024"],
    context.persist ? ["--appendonly", "yes", "--appendfsync", context.sync] : ["--appendonly", "no"],
  ];
  const id = await docker(...words.flat());
  let stopped: Promise<unknown> | undefined;
  const stop = async (): Promise<void> => {
    stopped ??= docker("stop", id);
    await stopped;
  };
  try {
    const url = `redis://${loopback(await docker("port", id, "6379/tcp"))}`;
    await waitUntil(
      () => answers(url),
      `docker container ${id.slice(0, 12)}`,
      () => undefined,
      30_000,
    );
    return { url, how: `docker (${image}, container ${id.slice(0, 12)})`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function volume(dataDir: string | undefined): readonly string[] {
  if (dataDir === undefined) return [];
  const name = createHash("sha256").update(dataDir).digest("hex").slice(0, 12);
  return ["-v", `understudy-redis-${name}:/data`];
}

/** `docker port` may print an IPv6 line as well. */
function loopback(answer: string): string {
  const line = answer.split("\n").find((candidate) => candidate.startsWith("127.0.0.1:"));
  if (line === undefined) throw new Error(`docker published no port on 127.0.0.1, but: ${answer}`);
  return line.trim();
}

/** Containers outlive a `kill -9` of the process that started them. */
async function removeLeftOvers(docker: Docker): Promise<void> {
  const list = await docker("ps", "--filter", `label=${label}`, "--format", `{{.ID}} {{.Label "${label}"}}`);
  for (const line of list.split("\n").filter(Boolean)) {
    const [id = "", owner = ""] = line.split(" ");
    if (!isAlive(Number(owner))) await docker("stop", id);
  }
}
