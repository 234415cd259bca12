import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { connectWorker, type Redis } from "@understudy/queue";
import { readFleet, readTransitions } from "@understudy/resilience";
import { expect, onTestFinished, test } from "vitest";

import { type Program, startProgram } from "../failover/program.ts";
import { until } from "../failover/until.ts";
import { type Fleet, hireFleet } from "./crew.ts";

const namespace = "fleet";
const SETTLE_MS = 20_000;
const options = {
  windowMs: 1000,
  openMs: 300,
  maxOpenMs: 600,
  probeEveryMs: 300,
  probeLeaseMs: 1000,
  rampMs: 100,
};

interface Server extends Program {
  readonly url: string;
  readonly port: number;
}

async function startServer(): Promise<Server> {
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-fleet-"));
  const server = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
  onTestFinished(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const url = String(server.said["url"]);
  return { ...server, url, port: Number(new URL(url).port) };
}

function connect(url: string): Redis {
  const redis = connectWorker(url);
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  return redis;
}

async function hire(redis: string): Promise<Fleet> {
  const fleet = await hireFleet({ redis, namespace, processes: 4, workersEach: 5, perSecond: 20, options });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return fleet;
}

/** How each worker stands, as far as it has said. */
function stands(fleet: Fleet): ReadonlyMap<string, string> {
  return new Map(fleet.moved.map(({ worker, to }) => [worker, to]));
}

const areAll = (fleet: Fleet, to: string, workers = fleet.workers): Promise<boolean> =>
  Promise.resolve(workers.every((worker) => stands(fleet).get(worker) === to));

const known = (fleet: Fleet): Promise<boolean> =>
  Promise.resolve(stands(fleet).size === fleet.workers.length);

/** Every change was written once, and follows from the one before it. */
async function expectOneHistory(redis: Redis): Promise<void> {
  const lines = (await readTransitions(redis, namespace, 500)).flatMap((line) =>
    line.what === "circuit" ? [line] : [],
  );
  const pairs = lines.toReversed().map((line, n, all) => [all[n - 1]?.to ?? "closed", line] as const);
  for (const [before, { from, to }] of pairs)
    // Probes that come and go while it is open are not written down.
    expect(before === "open" && to === "half_open" ? "open" : from).toBe(before);
  expect(lines.length).toBeGreaterThan(3);
}

test("processes that race for one circuit write one history, and one that is killed with the probe holds nobody up", async () => {
  const server = await startServer();
  const fleet = await hire(server.url);
  const redis = connect(server.url);
  fleet.answer("fail");
  await until("all know that it is dead", () => known(fleet), SETTLE_MS);
  const owner = async (): Promise<string | undefined> => {
    const [shared] = (await readFleet(redis, namespace)).circuits;
    const state = shared?.circuit.state;
    return state?.at === "half_open" ? state.probe?.owner : undefined;
  };
  // The probe stays out until its owner is dead.
  fleet.answer("hang");
  let killed: string | undefined;
  await until("somebody has the probe", async () => (killed = await owner()) !== undefined, SETTLE_MS);
  const victim = Number(/^p(\d)/u.exec(killed ?? "")?.[1]);
  fleet.kill(victim);
  fleet.answer("ok");
  const others = fleet.workers.filter((worker) => !worker.startsWith(`p${victim}`));
  await until("it is closed for all who live", () => areAll(fleet, "closed", others), SETTLE_MS);
  await expectOneHistory(redis);
});

test("a Redis that dies and whose replica takes its place: nobody waits, and the fleet agrees again", async () => {
  const [primary, replica] = await Promise.all([startServer(), startServer()]);
  const second = connect(replica.url);
  await second.replicaof("127.0.0.1", primary.port);
  const isReplica = async (): Promise<boolean> =>
    (await second.info("replication")).includes("master_link_status:up");
  await until("the replica follows", isReplica, SETTLE_MS);
  const fleet = await hire(primary.url);
  fleet.answer("fail");
  await until("all know that it is dead", () => known(fleet), SETTLE_MS);

  process.kill(Number(primary.said["pid"]), "SIGKILL");
  await primary.stop();
  await fleet.report();
  await until("calls go on without it", async () => (await fleet.report()).withheld > 0, SETTLE_MS);
  await second.replicaof("NO", "ONE");
  await second.config("SET", "port", primary.port);
  const redis = connect(primary.url);
  await until(
    "the fleet writes to the new one",
    async () => (await readFleet(redis, namespace)).circuits.length > 0,
    SETTLE_MS,
  );
  fleet.answer("ok");
  await until("it is closed for all", () => areAll(fleet, "closed"), SETTLE_MS);
  expect((await readFleet(redis, namespace)).circuits).toMatchObject([
    { circuit: { state: { at: "closed" } } },
  ]);
});
