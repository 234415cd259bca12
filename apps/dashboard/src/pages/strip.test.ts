import type { Transition } from "@understudy/operator";
import { expect, test } from "vitest";

import { segmentsOf } from "./strip.ts";

const about = { provider: "alpha", capability: "note.send" };
const circuit = (at: number, from: string, to: string, more: object = {}): Transition =>
  ({ what: "circuit", ...about, from, to, reason: "x", by: "w", at, ...more }) as Transition;
const word = (at: number, verb: string, more: object = {}): Transition =>
  ({ what: "directive", provider: "alpha", verb, reason: "x", by: "ada", at, ...more }) as Transition;
const hour = { from: 1000, to: 2000, now: "closed" } as const;
const brief = (transitions: readonly Transition[], how: Parameters<typeof segmentsOf>[2] = hour) =>
  segmentsOf(transitions.toReversed(), about, how).map(({ at, from, to }) => [at, from, to]);

test("without a change it stood all the time as it stands now", () => {
  expect(brief([])).toEqual([["closed", 1000, 2000]]);
  expect(brief([], { ...hour, now: "open" })).toEqual([["open", 1000, 2000]]);
});

test("an outage is seen from where it began, before the hour or within, probes and all", () => {
  const outage = [
    circuit(1200, "closed", "open"),
    circuit(1300, "open", "half_open", { share: 0 }),
    circuit(1310, "half_open", "open"),
    circuit(1400, "open", "half_open", { share: 0 }),
    circuit(1450, "half_open", "half_open", { share: 0.01 }),
    circuit(1500, "half_open", "closed"),
  ];
  const seen = [
    ["closed", 1000, 1200],
    ["open", 1200, 1300],
    ["half_open", 1300, 1310],
    ["open", 1310, 1400],
    ["half_open", 1400, 1500],
    ["closed", 1500, 2000],
  ];
  expect(brief(outage)).toEqual(seen);
  expect(brief(outage, { ...hour, from: 1350 })).toEqual([["open", 1350, 1400], ...seen.slice(4)]);
  // Of others nothing is told here.
  expect(brief([...outage, circuit(1600, "closed", "open", { provider: "beta" })])).toEqual(seen);
});

test("a person's isolation covers what the circuit is by itself, until it is taken back, ends, or gives way to another word", () => {
  expect(
    brief([
      word(1100, "isolate"),
      circuit(1150, "closed", "open"),
      word(1300, "expire"),
      word(1400, "isolate", { capability: "note.send" }),
      word(1500, "divert", { capability: "note.send" }),
      circuit(1600, "open", "closed"),
    ]),
  ).toEqual([
    ["closed", 1000, 1100],
    ["isolated", 1100, 1300],
    ["open", 1300, 1400],
    ["isolated", 1400, 1500],
    ["open", 1500, 1600],
    ["closed", 1600, 2000],
  ]);
  expect(brief([word(1100, "isolate", { capability: "note.pay" })])).toEqual([["closed", 1000, 2000]]);
});

test("an isolation of all that a provider does covers what was said of one capability, too", () => {
  const narrow = { capability: "note.send" };
  expect(
    brief([
      word(1100, "prefer", narrow),
      word(1200, "isolate"),
      word(1300, "divert", narrow),
      word(1400, "restore"),
      word(1500, "isolate", narrow),
      word(1600, "prefer"),
    ]),
  ).toEqual([
    ["closed", 1000, 1200],
    ["isolated", 1200, 1400],
    ["closed", 1400, 1500],
    ["isolated", 1500, 2000],
  ]);
});
