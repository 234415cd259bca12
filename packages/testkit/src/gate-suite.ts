import type { Admission, Gate, Outcome } from "@understudy/core";
import { describe, expect, test } from "vitest";

export interface GateSuiteOptions {
  /** A gate that lets at least one call through, on a clock that stands still. */
  readonly open: () => Gate | Promise<Gate>;
  /** A gate that lets nobody through, however it came to that. */
  readonly closed: () => Gate | Promise<Gate>;
}

/** How many calls a gate is asked for at most: those that limit nothing are not asked for ever. */
const MANY = 1000;
const meta = { provider: "a", at: 0, durationMs: 1 };
const outcomes: readonly Outcome[] = [
  { kind: "delivered", receipt: {}, final: true, ...meta },
  { kind: "rejected", code: "http_400", ...meta },
  { kind: "unavailable", code: "http_503", ...meta },
  { kind: "throttled", code: "http_429", retryAfterMs: 1, ...meta },
  { kind: "withheld", code: "interrupted", ...meta },
  { kind: "ambiguous", code: "timeout", ...meta },
];

/** What every gate owes to those who stand before it; each implementation calls it. */
export function testGate(name: string, { open, closed }: GateSuiteOptions): void {
  describe(`${name} as a gate`, () => {
    test("admits exactly as many calls as it says it has room for", async () => {
      const gate = await open();
      const { room } = gate.capacity();
      expect(room).toBeGreaterThan(0);
      expect(await admitted(gate)).toHaveLength(Math.min(room, MANY));
    });

    test("has no room while it refuses, and says why and for how long", async () => {
      const gate = await closed();
      const answer = await gate.admit();
      expect(answer).toEqual({
        ok: false,
        code: expect.stringMatching(/^[a-z]+(?:_[a-z]+)*$/u),
        retryAfterMs: expect.any(Number),
      });
      expect(answer.ok ? 0 : answer.retryAfterMs).toBeGreaterThanOrEqual(0);
      expect(gate.capacity().room).toBe(0);
    });

    test("takes back what was not used", async () => {
      const gate = await open();
      const before = gate.capacity().room;
      const admissions = await admitted(gate);
      for (const admission of admissions) admission.settle();
      expect(gate.capacity().room).toBe(before);
    });

    test("learns from every kind of outcome without throwing", async () => {
      for (const outcome of outcomes) {
        const answer = await (await open()).admit();
        expect(answer.ok).toBe(true);
        if (answer.ok) answer.settle(outcome);
      }
    });
  });
}

async function admitted(gate: Gate): Promise<readonly Admission[]> {
  const admissions: Admission[] = [];
  while (admissions.length < MANY) {
    const answer = await gate.admit();
    if (!answer.ok) break;
    admissions.push(answer);
  }
  return admissions;
}
