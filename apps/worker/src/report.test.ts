import type { RuntimeEvent } from "@understudy/runtime";
import { expect, test } from "vitest";

import { createLogger } from "./logger.ts";
import { reportTo } from "./report.ts";

interface Line {
  readonly level: number;
  readonly msg: string;
}

function stage(level = "info"): {
  told: Line[];
  report: (event: RuntimeEvent) => void;
  wait: (ms: number) => void;
} {
  const told: Line[] = [];
  let time = 0;
  const log = createLogger(level, [], [], { write: (line) => void told.push(JSON.parse(line) as Line) });
  return { told, report: reportTo(log, () => time), wait: (ms) => void (time += ms) };
}

const about = { queue: "email", job: "welcome-email", jobId: "welcome-email-1" };
const INFO = 30;
const WARN = 40;
const ERROR = 50;

test("a failover and a dead letter are warnings, a failed call is information, a good one is detail", () => {
  const { told, report } = stage();
  const call = { event: "call", ...about, attempt: 1, durationMs: 5 } as const;
  report({ ...call, provider: "sendgrid", kind: "unavailable", code: "http_503" });
  report({ ...call, provider: "mailgun", kind: "delivered" });
  report({ event: "failover", ...about, from: ["sendgrid"], to: "mailgun" });
  report({ event: "settled", ...about, verdict: "complete", mayBeDuplicated: false });
  report({
    event: "settled",
    ...about,
    verdict: "dead_letter",
    cause: "rejected",
    effect: "none",
    mayBeDuplicated: false,
  });
  expect(told.map(({ level, msg }) => [level, msg])).toEqual([
    [INFO, "sendgrid answered unavailable http_503"],
    [WARN, "mailgun stood in for sendgrid"],
    [INFO, "complete"],
    [WARN, "dead letter: rejected"],
  ]);
});

test("the same trouble is told once a minute, with how often it was kept back", () => {
  const { told, report, wait } = stage();
  const trouble = { event: "trouble", queue: "email", error: new Error("MISCONF disk full") } as const;
  for (let i = 0; i < 50; i += 1) report(trouble);
  report({ ...trouble, error: new Error("other") });
  wait(60_000);
  report(trouble);
  expect(told.map(({ level, msg }) => [level, msg])).toEqual([
    [ERROR, "MISCONF disk full"],
    [ERROR, "other"],
    [ERROR, "MISCONF disk full (and 49 times more since it was last told)"],
  ]);
});

test("what a janitor does by itself is told: what it fails, deletes, puts right, and what it cannot move", () => {
  const { told, report } = stage();
  const measured = {
    event: "measured",
    queue: "email",
    waiting: 0,
    delayed: 0,
    active: 0,
    isPaused: false,
    oldestWaitingMs: 0,
    dead: 1,
    deadBytes: 1,
    oldestDeadMs: 1,
    failedInFlows: 0,
  } as const;
  report({ ...measured, failedWithoutLetter: 0 });
  report({ event: "quarantined", queue: "email", jobId: "x", reason: "stalled" });
  report({ event: "pruned", queue: "email", age: 2, letters: 1, bytes: 0, kept: 1 });
  report({ event: "mended", queue: "email", what: "index", count: 3 });
  report({ ...measured, failedWithoutLetter: 2 });
  expect(told.map(({ level, msg }) => [level, msg])).toEqual([
    [WARN, "quarantined x: stalled"],
    [WARN, "deleted 3 dead letters beyond their bounds"],
    [WARN, "mended the index of dead letters"],
    [ERROR, "2 failed jobs could not be made dead letters: another of their id exists"],
  ]);
});
