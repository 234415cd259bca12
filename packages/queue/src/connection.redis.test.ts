import { newSpace, until } from "@understudy/testkit";
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
