import { expect, test } from "vitest";

import { type Durability, judgePersistence } from "./durability.ts";
import { type Finding, runCheck } from "./finding.ts";
import { judgeWorkers } from "./fleet.ts";
import { parseInfo } from "./server.ts";
import { judgeClock } from "./timing.ts";

const cli = (command: string): string => `redis-cli ${command}`;
const safe: Durability = {
  isAppendOnly: true,
  appendfsync: "always",
  save: "",
  replicas: 0,
  isWriteBroken: false,
};

test.each([
  [safe, "ok", "ok"],
  [{ ...safe, appendfsync: "everysec" }, "ok", "warning"],
  [{ ...safe, appendfsync: "everysec", replicas: 1 }, "ok", "ok"],
  [{ ...safe, appendfsync: "no" }, "warning", "problem"],
  [{ ...safe, isAppendOnly: false, save: "3600 1" }, "warning", "problem"],
  [{ ...safe, isAppendOnly: false }, "problem", "problem"],
  [{ ...safe, isAppendOnly: undefined }, "warning", "warning"],
  [{ ...safe, isWriteBroken: true }, "problem", "problem"],
] as const)("durability %j is %s, and for production %s", (facts, usual, production) => {
  for (const [isProduction, level] of [
    [false, usual],
    [true, production],
  ] as const) {
    const [first] = judgePersistence(facts, isProduction, cli);
    expect(first?.level).toBe(level);
    if (level !== "ok") expect(first?.mend).toMatch(/^redis-cli /u);
  }
});

test("a clock is wrong by what cannot be the time that the question took", () => {
  expect(judgeClock(900, 5).level).toBe("ok");
  expect(judgeClock(1500, 1000).level).toBe("ok");
  expect(judgeClock(-1500, 5)).toMatchObject({
    level: "warning",
    sentence: expect.stringContaining("behind"),
  });
  expect(judgeClock(60_000, 5)).toMatchObject({
    level: "problem",
    mend: expect.stringContaining("timedatectl"),
  });
});

test.each([
  [0, 5, "problem", "problem"],
  [0, 0, "warning", "warning"],
  [1, 5, "ok", "warning"],
  [2, 5, "ok", "ok"],
] as const)(
  "%i workers and %i jobs waiting are %s, for production %s",
  (workers, waiting, usual, production) => {
    const queue = {
      name: "email",
      isPaused: false,
      waiting,
      delayed: 0,
      active: 0,
      completed: 0,
      dead: 0,
      failed: 0,
      perSecond: 0,
      workers,
    };
    expect(judgeWorkers(queue, false).level).toBe(usual);
    expect(judgeWorkers(queue, true).level).toBe(production);
  },
);

test("a check that hangs or fails is told as such, within its deadline, and leaves the others alone", async () => {
  const fine: Finding = { check: "b", level: "ok", sentence: "fine" };
  const found = await Promise.all([
    runCheck({ name: "a", run: () => new Promise(() => undefined) }, 50, "mend"),
    runCheck({ name: "b", run: () => Promise.resolve([fine]) }, 50, "mend"),
    runCheck({ name: "c", run: () => Promise.reject(new Error("NOPERM")) }, 50, "mend"),
  ]);
  expect(found.flat()).toEqual([
    { check: "a", level: "warning", sentence: "Cannot tell: no answer within 50 ms", mend: "mend" },
    fine,
    { check: "c", level: "warning", sentence: "Cannot tell: NOPERM", mend: "mend" },
  ]);
});

test("INFO is read by name", () => {
  const info = parseInfo("# Server\r\nredis_version:7.0.15\r\n\r\nexecutable:/usr/bin/redis:x\r\n");
  expect([...info]).toEqual([
    ["redis_version", "7.0.15"],
    ["executable", "/usr/bin/redis:x"],
  ]);
});
