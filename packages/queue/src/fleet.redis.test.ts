import { newSpace } from "@understudy/testkit";
import { expect, onTestFinished, test } from "vitest";

import { connectWorker } from "./connection.ts";
import { addCounts, readCounts, readLatencies, readProven } from "./fleet.ts";

test("what workers tell of calls adds up over them and over minutes, and what is older is left out", async () => {
  const { redisUrl, namespace } = newSpace();
  const redis = connectWorker(redisUrl);
  onTestFinished(() => redis.disconnect());
  const about = { provider: "sendgrid", capability: "email.send" };
  const now = Date.now();
  const tell = async (at: number, slow: number, buckets: readonly (readonly [number, number])[]) =>
    await addCounts(redis, namespace, {
      counts: [{ of: { what: "call", ...about, kind: "delivered" }, count: 1 }],
      errors: [],
      latencies: [{ ...about, slow, buckets: new Map(buckets) }],
      proven: [{ ...about, at }],
      now: at,
    });
  await tell(now - 600_000, 9, [[1, 9]]);
  await tell(now - 60_000, 1, [
    [20, 2],
    [30, 1],
  ]);
  await tell(now, 2, [[20, 3]]);
  const window = { windowMs: 300_000, now };
  expect(await readLatencies(redis, namespace, window)).toEqual([
    {
      ...about,
      slow: 3,
      buckets: new Map([
        [20, 5],
        [30, 1],
      ]),
    },
  ]);
  expect(await readCounts(redis, namespace, window)).toHaveLength(2);
  expect(await readProven(redis, namespace)).toEqual([{ ...about, at: now }]);
});
