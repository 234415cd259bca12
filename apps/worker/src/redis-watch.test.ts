import { beforeEach, expect, test } from "vitest";

import { createLogger } from "./logger.ts";
import { createRedisWatch, type RedisWatch } from "./redis-watch.ts";

let time: number;
let isReady: boolean;
let lines: string[];
let watch: RedisWatch;

beforeEach(() => {
  time = 0;
  isReady = false;
  lines = [];
  const log = createLogger("info", [], [], {
    write: (line) => void lines.push((JSON.parse(line) as { msg: string }).msg),
  });
  watch = createRedisWatch({
    log,
    url: "redis://:hunter2@redis:6379",
    isReady: () => isReady,
    now: () => time,
  });
});

const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:6379"), { code: "ECONNREFUSED" });
const lost =
  "Redis at redis:6379 is out of reach: nothing listens there (ECONNREFUSED). Jobs wait there; this worker keeps trying";

test("an outage is told when it begins, once a minute, and when it is over", () => {
  for (; time < 130_000; time += 100) {
    expect(watch.take(refused)).toBe(true);
    if (time % 1000 === 0) watch.look();
  }
  isReady = true;
  watch.look();
  watch.look();
  expect(lines).toEqual([
    lost,
    "Redis at redis:6379 is out of reach for 60 s: nothing listens there (ECONNREFUSED)",
    "Redis at redis:6379 is out of reach for 120 s: nothing listens there (ECONNREFUSED)",
    "Redis at redis:6379 answers after 130 s",
  ]);
});

test("each outage is told anew", () => {
  watch.take(refused);
  isReady = true;
  watch.look();
  watch.take(refused);
  expect(lines.filter((line) => line === lost)).toHaveLength(2);
});

test("a Redis that says nothing at all is told too", () => {
  watch.look();
  expect(lines).toEqual([
    "Redis at redis:6379 is out of reach: it does not answer. Jobs wait there; this worker keeps trying",
  ]);
});

test.each([
  ["NOAUTH Authentication required.", "it asks for a password. Put it into REDIS_URL"],
  ["WRONGPASS invalid username-password pair or user is disabled.", "it refuses the user or password"],
  ["LOADING Redis is loading the dataset in memory", "it is loading its data"],
  ["Connection is closed.", "the connection is closed"],
])("%s is told as what to do, without the password", (message, words) => {
  expect(watch.take(new Error(message))).toBe(true);
  expect(lines).toEqual([expect.stringContaining(words)]);
  expect(lines[0]).not.toContain("hunter2");
});

test("several addresses that all refuse make an error without words; its code is told", () => {
  const error = Object.assign(new AggregateError([refused, refused]), { code: "EHOSTUNREACH" });
  watch.take(error);
  expect(lines[0]).toContain("EHOSTUNREACH");
});

test.each([
  new Error("Missing lock for job 7"),
  Object.assign(new TypeError("x"), { code: "ERR_INVALID_ARG_TYPE" }),
])("other trouble is left to others: %s", (error) => {
  expect(watch.take(error)).toBe(false);
  expect(lines).toEqual([]);
});
