import { setTimeout as sleep } from "node:timers/promises";

import { newSpace, startFaultProxy, until } from "@understudy/testkit";
import { expect, onTestFinished, test } from "vitest";

import { connectWorker } from "./connection.ts";

test("what was duplicated from a worker's connection ends with it, whatever it waits for", async () => {
  const connection = connectWorker(newSpace().redisUrl);
  const copy = connection.duplicate();
  onTestFinished(() => copy.disconnect());
  await Promise.all([connection.ping(), copy.ping()]);
  const waiting = copy.blpop("nothing-ever-comes", 0);
  connection.disconnect();
  await expect(waiting).rejects.toThrow("Connection is closed");
  await until("the copy has ended", () => copy.status === "end");
});

test("one that is told to disconnect between two tries to reach Redis ends, with what waits for it", async () => {
  // Nothing listens there.
  const connection = connectWorker("redis://127.0.0.1:1");
  connection.on("error", () => undefined);
  const waiting = connection.ping();
  await until("it is between two tries", () => connection.status === "reconnecting");
  connection.disconnect();
  await expect(waiting).rejects.toThrow("Connection is closed");
  expect(connection.status).toBe("end");
});

test("one that is closed while it subscribes again leaves no rejection that nobody hears", async () => {
  const { hostname, port } = new URL(newSpace().redisUrl);
  const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
  onTestFinished(() => proxy.close());
  const unheard: unknown[] = [];
  const listen = (reason: unknown): void => void unheard.push(reason);
  process.on("unhandledRejection", listen);
  onTestFinished(() => void process.off("unhandledRejection", listen));
  const connection = connectWorker(`redis://127.0.0.1:${proxy.port}`);
  connection.on("error", () => undefined);
  await connection.subscribe("news");
  proxy.refuse();
  await until("it tries again", () => connection.status === "reconnecting");
  connection.once("ready", () => connection.disconnect());
  await proxy.heal();
  await until("it has ended", () => connection.status === "end");
  await sleep(10);
  expect(unheard).toEqual([]);
});
