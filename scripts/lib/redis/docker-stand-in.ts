// A stand-in for the docker command, for tests on machines without an engine: it writes its arguments down and, for
// `run`, starts the local redis-server that REAL_REDIS names with the very arguments the container would have had.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { isAlive } from "./process-alive.ts";

const dir = process.env["STAND_IN_DIR"] ?? "";
const [command = "", ...args] = process.argv.slice(2);
appendFileSync(join(dir, "calls"), `${JSON.stringify([command, ...args])}\n`);

interface Container {
  readonly pid: number;
  readonly port: string;
  readonly labels: readonly string[];
}
const containerFile = (id: string): string => join(dir, `${id}.container`);
const container = (id: string): Container => JSON.parse(readFileSync(containerFile(id), "utf8")) as Container;

function run(): void {
  const image = args.findIndex((word) => word.startsWith("redis:"));
  const port = process.env["STAND_IN_PORT"] ?? "0";
  const words = [...args.slice(image + 2), "--port", port, "--bind", "127.0.0.1", "--dir", dir];
  const server = spawn(process.env["REAL_REDIS"] ?? "redis-server", words, {
    detached: true,
    stdio: "ignore",
  });
  server.unref();
  const id = `c${server.pid}`;
  const labels = args.flatMap((word, index) => (word === "--label" ? [args[index + 1] ?? ""] : []));
  writeFileSync(
    containerFile(id),
    JSON.stringify({ pid: server.pid ?? 0, port, labels } satisfies Container),
  );
  console.log(id);
}

async function stop(id: string): Promise<void> {
  const { pid } = container(id);
  process.kill(pid, "SIGTERM");
  while (isAlive(pid)) await sleep(10);
  rmSync(containerFile(id));
}

function list(): void {
  for (const file of readdirSync(dir).filter((name) => name.endsWith(".container"))) {
    const id = file.replace(".container", "");
    console.log(`${id} ${container(id).labels[0]?.split("=")[1]}`);
  }
}

if (command === "info") process.exitCode = existsSync(join(dir, "no-engine")) ? 1 : 0;
else if (command === "run") run();
else if (command === "port")
  console.log(`127.0.0.1:${container(args[0] ?? "").port}\n[::1]:${container(args[0] ?? "").port}`);
else if (command === "stop") await stop(args[0] ?? "");
else if (command === "ps") list();
