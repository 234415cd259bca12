import type { CapabilityView } from "@understudy/operator";
import { expect, test } from "vitest";

import { judgeProviders } from "./providers.ts";

const NOW = 10_000_000_000;
const MINUTE = 60_000;
const well: CapabilityView = {
  capability: "email.send",
  isMoney: false,
  isSink: false,
  place: 1,
  calls: 10,
  errorRate: 0,
  unknownRate: 0,
  slowRate: 0,
  throttled: 0,
  withheld: 0,
  trafficShare: 1,
  state: { at: "closed" },
  reason: "new",
  since: 0,
  openOnWorkers: 0,
  workers: 2,
  provenAt: NOW,
};

const judge = (views: Readonly<Record<string, Partial<CapabilityView>>>) =>
  judgeProviders(
    Object.entries(views).map(([provider, view]) => ({
      provider,
      capabilities: [{ ...well, ...view }],
      windowMs: 300_000,
    })),
    NOW,
  );

test("providers that are as their routes have them are one line, and so is none", () => {
  expect(judge({ sendgrid: {}, mailgun: { place: 2 } })).toMatchObject([{ level: "ok" }]);
  expect(judge({})).toMatchObject([{ level: "ok", sentence: "no worker has told of one" }]);
});

test("a circuit that has been open for more than a quarter of an hour is found, one that opened now is not", () => {
  const open = (minutes: number): Partial<CapabilityView> => ({
    state: { at: "open", until: NOW },
    reason: "failure_rate",
    since: NOW - minutes * MINUTE,
  });
  expect(judge({ sendgrid: open(14) })).toMatchObject([{ level: "ok" }]);
  expect(judge({ sendgrid: open(16) })).toMatchObject([
    {
      check: "circuits",
      level: "warning",
      mend: 'understudy providers divert sendgrid --capability email.send --for 2h --reason "…"',
    },
  ]);
});

test("a word that nobody ends is found, one that ends by itself or only prefers is not", () => {
  const word = { provider: "sendgrid", reason: "slow", by: "ada", since: NOW - MINUTE };
  expect(judge({ sendgrid: { directive: { ...word, verb: "divert" } } })).toMatchObject([
    {
      check: "directives",
      sentence: "sendgrid: divert by ada for 1 min, without an end (slow).",
      mend: 'understudy providers restore sendgrid --reason "…"',
    },
  ]);
  expect(judge({ sendgrid: { directive: { ...word, verb: "isolate", until: NOW + 1 } } })).toMatchObject([
    { level: "ok" },
  ]);
  expect(judge({ sendgrid: { directive: { ...word, verb: "prefer" } } })).toMatchObject([{ level: "ok" }]);
});

test("a word about one that no worker has on a route is found, too", () => {
  const directive = {
    verb: "isolate",
    provider: "gone",
    reason: "harm",
    by: "ada",
    since: NOW - MINUTE,
  } as const;
  expect(judgeProviders([{ provider: "gone", capabilities: [], windowMs: 1, directive }], NOW)).toMatchObject(
    [{ check: "directives", sentence: "gone: isolate by ada for 1 min, without an end (harm)." }],
  );
});

test("a backup that has not delivered for a day is found, unless nobody has", () => {
  const { provenAt: _, ...never } = well;
  const views = (first: CapabilityView, backup: CapabilityView) =>
    judgeProviders(
      [
        { provider: "sendgrid", capabilities: [first], windowMs: 1 },
        { provider: "mailgun", capabilities: [backup], windowMs: 1 },
      ],
      NOW,
    );
  expect(views(well, { ...never, place: 2 })).toMatchObject([
    {
      check: "backups",
      sentence: expect.stringContaining("has never delivered"),
      mend: expect.stringContaining("understudy providers prefer mailgun --capability email.send --for 5m"),
    },
  ]);
  expect(views(well, { ...well, place: 2, provenAt: NOW - 25 * 60 * MINUTE })).toMatchObject([
    { sentence: expect.stringContaining("last delivered 25 h ago") },
  ]);
  expect(views(never, { ...never, place: 2 })).toMatchObject([{ level: "ok" }]);
  expect(views({ ...well, isSink: true }, { ...never, isSink: true, place: 2 })).toMatchObject([
    { level: "ok" },
  ]);
});
