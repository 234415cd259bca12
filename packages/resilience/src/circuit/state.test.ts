import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { defaultCircuit } from "./options.ts";
import {
  type Circuit,
  claim,
  climb,
  closedCircuit,
  giveUp,
  isProbeDue,
  probed,
  rampShares,
  trip,
} from "./state.ts";

const options = { ...defaultCircuit, openMs: 100, maxOpenMs: 800, rampMs: 50, probeLeaseMs: 300 };

type Step = (circuit: Circuit, now: number) => Circuit | undefined;
const steps: Readonly<Record<string, Step>> = {
  trip: (circuit, now) => trip(circuit, "failure_rate", now, options),
  claimA: (circuit, now) => claim(circuit, "a", now, options),
  claimB: (circuit, now) => claim(circuit, "b", now, options),
  aliveA: (circuit, now) => probed(circuit, "a", { isAlive: true, reason: "", now }, options),
  deadA: (circuit, now) => probed(circuit, "a", { isAlive: false, reason: "http_503", now }, options),
  deadB: (circuit, now) => probed(circuit, "b", { isAlive: false, reason: "http_503", now }, options),
  giveUpA: (circuit, now) => giveUp(circuit, "a", now, options),
  climb: (circuit, now) => climb(circuit, now, options),
};

/** "closed", "open", "probing", or the share of a recovery. */
function nameOf({ state }: Circuit): string {
  if (state.at !== "half_open") return state.at;
  return state.share === 0 ? "probing" : String(state.share);
}

/** Which may follow which; nothing else ever does. */
const follows: Readonly<Record<string, readonly string[]>> = {
  closed: ["open"],
  open: ["probing"],
  probing: ["probing", "open", "0.01"],
  "0.01": ["0.05", "open"],
  "0.05": ["0.25", "open"],
  "0.25": ["1", "open"],
  "1": ["1.25", "open"],
  "1.25": ["1.5", "1"],
  "1.5": ["2", "1.25"],
  "2": ["3", "1.5"],
  "3": ["4", "2"],
  "4": ["6", "3"],
  "6": ["8", "4"],
  "8": ["closed", "6"],
};

const walk = fc.array(fc.tuple(fc.constantFrom(...Object.keys(steps)), fc.integer({ min: 0, max: 400 })), {
  maxLength: 60,
});

describe("whatever happens in whatever order", () => {
  test("a circuit goes only where it may, one version at a time", () => {
    fc.assert(
      fc.property(walk, (moves) => {
        let circuit = closedCircuit;
        let now = 1000;
        for (const [step, ms] of moves) {
          now += ms;
          const next = steps[step]?.(circuit, now);
          if (next === undefined) continue;
          expect(follows[nameOf(circuit)]).toContain(nameOf(next));
          expect(next).toMatchObject({ version: circuit.version + 1, since: now });
          circuit = next;
        }
      }),
    );
  });

  test("an open one waits for its time, never longer than the cap, and longer each time it opens again", () => {
    fc.assert(
      fc.property(walk, (moves) => {
        let circuit = closedCircuit;
        let now = 1000;
        for (const [step, ms] of moves) {
          now += ms;
          const next = steps[step]?.(circuit, now);
          if (next === undefined) continue;
          if (next.state.at === "open" && step !== "giveUpA") {
            const wanted = Math.min(100 * 2 ** circuit.openings, 800);
            expect(next.state.until - now).toBe(wanted);
            expect(claim(next, "a", now + wanted - 1, options)).toBeUndefined();
          }
          circuit = next;
        }
      }),
    );
  });

  test("a probe has one owner, whom nobody else speaks for, until it is lost", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 299 }), (ms) => {
        const open = trip(closedCircuit, "failure_rate", 0, options) ?? closedCircuit;
        const probing = claim(open, "a", 100, options) ?? open;
        expect(claim(probing, "b", 100 + ms, options)).toBeUndefined();
        expect(probed(probing, "b", { isAlive: true, reason: "", now: 100 + ms }, options)).toBeUndefined();
        expect(giveUp(probing, "b", 100 + ms, options)).toBeUndefined();
        expect(isProbeDue(probing, 400)).toBe(true);
        expect(claim(probing, "b", 400, options)?.state).toMatchObject({ probe: { owner: "b" } });
      }),
    );
  });

  test("from anywhere it can be closed again, through every step of the ramp", () => {
    fc.assert(
      fc.property(walk, (moves) => {
        let circuit = closedCircuit;
        let now = 1000;
        for (const [step, ms] of moves) {
          now += ms;
          circuit = steps[step]?.(circuit, now) ?? circuit;
        }
        const way: string[] = [];
        for (let n = 0; n < 30 && circuit.state.at !== "closed"; n += 1) {
          now += 1000;
          circuit =
            steps["aliveA"]?.(circuit, now) ??
            steps["climb"]?.(circuit, now) ??
            steps["claimA"]?.(circuit, now) ??
            circuit;
          way.push(nameOf(circuit));
        }
        expect(circuit.state.at).toBe("closed");
        if (way.includes("probing")) expect(way.slice(-12)).toEqual([...rampShares.map(String), "closed"]);
      }),
    );
  });
});

test("without a ramp a probe that comes back closes it", () => {
  const plain = { ...options, rampMs: 0 };
  const open = trip(closedCircuit, "failure_rate", 0, plain) ?? closedCircuit;
  const probing = claim(open, "a", 100, plain) ?? open;
  expect(probed(probing, "a", { isAlive: true, reason: "", now: 110 }, plain)).toMatchObject({
    state: { at: "closed" },
    reason: "recovered",
    openings: 0,
  });
});

test("one that fails under what had piled up gets less, stays there for longer, and is not opened", () => {
  const under: Circuit = { ...closedCircuit, state: { at: "half_open", share: 4, climbAt: 0 } };
  const less = trip(under, "failure_rate", 1000, options) ?? under;
  expect(less.state).toEqual({ at: "half_open", share: 3, climbAt: 1250 });
  expect(climb(less, 1249, options)).toBeUndefined();
  expect(climb(less, 1250, options)?.state).toEqual({ at: "half_open", share: 4, climbAt: 1300 });
});
