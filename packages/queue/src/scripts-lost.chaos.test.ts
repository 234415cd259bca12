import { newSpace } from "@understudy/testkit";
import { expect, onTestFinished, test, vi } from "vitest";

import { connectWorker } from "./connection.ts";
import { familyOf } from "./names.ts";
import { openProducer } from "./producer.ts";

// Not beside other tests: what is forgotten here is forgotten for all.
test.each(["fast", "plain"])("Redis has dropped its scripts: they are sent again (%s)", async (backend) => {
  vi.stubEnv("UNDERSTUDY_BACKEND", backend);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { redisUrl, namespace } = newSpace();
  const producer = openProducer(redisUrl);
  onTestFinished(() => producer.close());
  const redis = connectWorker(redisUrl);
  onTestFinished(() => redis.disconnect());
  const add = (id: string) =>
    producer.add(
      familyOf("email", namespace),
      [{ id, name: "a-job", data: "{}", timestamp: Date.now(), keepCompletedMs: 60_000 }],
      3000,
    );
  expect(await add("before")).toEqual([undefined]);
  await redis.script("FLUSH");
  expect(await add("after")).toEqual([undefined]);
  expect(await add("after")).toEqual(["{}"]);
});
