import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { complaintOf, mayClimb, quorumOf, type Vote } from "./electorate.ts";
import { defaultCircuit } from "./options.ts";
import { type Circuit, closedCircuit } from "./state.ts";

const options = { ...defaultCircuit, windowMs: 1000, minCalls: 10 };
const sums = { total: 0, failed: 0, slow: 0, inARow: 0, meanMs: 0 };
const vote = (total: number, complaint?: string, more: Partial<Vote> = {}): Vote => ({
  version: 0,
  at: 0,
  total,
  ...(complaint === undefined ? {} : { complaint }),
  ...more,
});
const bad = "failure_rate";

describe("one worker complains", () => {
  test.each([
    ["of failures", { total: 10, failed: 5 }, "failure_rate"],
    ["of slow calls, also before they are over", { total: 0, slow: 10 }, "slow_rate"],
    [
      "of a run of failures among many successes",
      { total: 1000, failed: 10, inARow: 10 },
      "failures_in_a_row",
    ],
    ["not of too few", { total: 9, failed: 9, inARow: 9 }, undefined],
    ["not of some", { total: 10, failed: 4, slow: 4 }, undefined],
    ["not of nothing", {}, undefined],
  ])("%s", (_, seen, complaint) => {
    expect(complaintOf({ ...sums, ...seen }, 10, options)).toBe(complaint);
  });
});

describe("a fleet opens a circuit for all", () => {
  test("when half of its traffic complains", () => {
    expect(quorumOf([vote(10, bad), vote(10, bad), vote(20)], closedCircuit, 0, options)).toBe(bad);
    expect(quorumOf([vote(10, bad), vote(9, bad), vote(20)], closedCircuit, 0, options)).toBeUndefined();
  });
  test("when its one worker complains, or the only one that calls", () => {
    expect(quorumOf([vote(10, bad)], closedCircuit, 0, options)).toBe(bad);
    expect(quorumOf([vote(10, bad), vote(0)], closedCircuit, 0, options)).toBe(bad);
  });
  test("not for one of two, however much it calls", () => {
    expect(quorumOf([vote(1000, bad), vote(1)], closedCircuit, 0, options)).toBeUndefined();
  });
  test("when many have too few calls each, and enough together", () => {
    expect(
      quorumOf(
        Array.from({ length: 10 }, () => vote(1, bad)),
        closedCircuit,
        0,
        options,
      ),
    ).toBe(bad);
    expect(
      quorumOf(
        Array.from({ length: 9 }, () => vote(1, bad)),
        closedCircuit,
        0,
        options,
      ),
    ).toBeUndefined();
  });
  test("by what was seen lately, of the circuit as it is now", () => {
    const old = [vote(10, bad, { at: -1001 }), vote(10, bad, { version: 1 }), vote(10, bad), vote(10)];
    expect(quorumOf(old, closedCircuit, 0, options)).toBeUndefined();
  });
  test("when few are sure, and for nobody when there are none", () => {
    const sure = { isSure: true } as const;
    expect(
      quorumOf([vote(1, "unauthorized", sure), vote(1, "unauthorized", sure)], closedCircuit, 0, options),
    ).toBe("unauthorized");
    expect(quorumOf([vote(1, "unauthorized", sure), vote(1)], closedCircuit, 0, options)).toBeUndefined();
    expect(quorumOf([], closedCircuit, 0, options)).toBeUndefined();
    expect(quorumOf([vote(3)], closedCircuit, 0, options)).toBeUndefined();
  });
  test("again after one bad call while it recovers", () => {
    const ramp: Circuit = { ...closedCircuit, state: { at: "half_open", share: 0.01 } };
    expect(quorumOf([vote(1, bad)], ramp, 0, options)).toBe(bad);
    expect(quorumOf([vote(1, bad), vote(3)], ramp, 0, options)).toBeUndefined();
  });
});

test("one bad node never opens a circuit for others that call too, however few of them there are", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 20 }),
      (own, others) => {
        const votes = [vote(own, bad), ...others.map((total) => vote(total))];
        expect(quorumOf(votes, closedCircuit, 0, options)).toBeUndefined();
      },
    ),
  );
});

describe("a recovery takes its next step", () => {
  const out = { isWaiting: true } as const;
  test.each([
    ["when nothing was asked", [], true],
    ["when all was answered", [vote(5, undefined, { alive: 5 })], true],
    ["not while calls are out and none has come back well", [vote(0, undefined, out), vote(0)], false],
    [
      "when some are out and others came back well",
      [vote(0, undefined, out), vote(1, undefined, { alive: 1 })],
      true,
    ],
    ["whatever was said of the step before", [vote(0, undefined, { ...out, version: 1 })], true],
  ])("%s", (_, votes, may) => {
    expect(mayClimb(votes, closedCircuit, 0, options)).toBe(may);
  });
});
