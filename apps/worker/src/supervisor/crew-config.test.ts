import { expect, test } from "vitest";

import { readCrew } from "./crew-config.ts";

test("one worker, which is the default, and a janitor need no supervisor", () => {
  expect(readCrew({})).toBeUndefined();
  expect(readCrew({ WORKER_PROCESSES: "1" })).toBeUndefined();
  expect(readCrew({ WORKER_PROCESSES: "4", ROLE: "janitor" })).toBeUndefined();
});

test("a supervisor reads what it needs, and nothing of providers", () => {
  expect(readCrew({ WORKER_PROCESSES: "4", HTTP_PORT: "81" })).toEqual({
    role: "both",
    processes: 4,
    drainDeadlineMs: 25_000,
    http: { host: "127.0.0.1", port: 81 },
    logLevel: "info",
  });
});

test("what it cannot read is left to a worker, which tells it with all the rest that is wrong", () => {
  expect(readCrew({ WORKER_PROCESSES: "4", HTTP_PORT: "x" })).toBeUndefined();
});
