import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { factsOf } from "./failure-table.ts";
import {
  compact,
  effectOf,
  mayBeDuplicated,
  type Outcome,
  possibleCopies,
  spendsAttempt,
} from "./outcome.ts";
import { anyFacts, anyOutcome, anyPolicy, failure, outcome } from "./testing/arbitraries.ts";
import { decide, type Facts, foregone } from "./verdict.ts";

const policy = { retry: { attempts: 3, baseMs: 1000, maxMs: 60_000 }, maxAgeMs: 3_600_000 };

function facts(trail: readonly Outcome[], more: Partial<Facts> = {}): Facts {
  return {
    history: [],
    trail,
    attempt: 0,
    lifeStartedAt: 0,
    canAskAgain: true,
    now: 1000,
    random: 0.5,
    ...more,
  };
}

/** From when a vendor's memory of a key counts. */
function firstUnknown(trail: readonly Outcome[], provider: string): number {
  return Math.min(...trail.filter((o) => o.provider === provider && o.kind === "ambiguous").map((o) => o.at));
}

describe("in a mixed trail the first that holds decides", () => {
  const delivered = outcome({ kind: "delivered", receipt: "r", final: true });
  const ambiguous = outcome({ kind: "ambiguous", code: "timeout" });
  const rejected = outcome({ kind: "rejected", code: "http_400" });
  const unavailable = outcome({ kind: "unavailable", code: "http_503" });
  const throttled = outcome({ kind: "throttled", code: "http_429", retryAfterMs: 5000 });

  test("delivered, whatever else happened", () => {
    expect(decide(policy, facts([ambiguous, rejected, delivered]))).toEqual({
      kind: "complete",
      receipt: "r",
    });
  });
  test("then an unknown effect, which a refusal does not settle", () => {
    expect(decide(policy, facts([ambiguous]))).toMatchObject({ kind: "retry" });
    expect(decide(policy, facts([ambiguous, rejected]))).toMatchObject({
      cause: "ambiguous",
      effect: "maybe",
    });
    expect(decide(policy, facts([ambiguous], { attempt: 2 }))).toEqual({
      kind: "dead_letter",
      cause: "ambiguous",
      effect: "maybe",
    });
    expect(decide(policy, facts([ambiguous], { canAskAgain: false }))).toEqual({
      kind: "dead_letter",
      cause: "ambiguous",
      effect: "maybe",
    });
  });
  test("then a rejection: wrong wherever it is sent", () => {
    expect(decide(policy, facts([unavailable, rejected]))).toEqual({
      kind: "dead_letter",
      cause: "rejected",
      effect: "none",
    });
  });
  test("then a provider that could not: retry, and exhausted at the end", () => {
    expect(decide(policy, facts([throttled, unavailable]))).toMatchObject({ kind: "retry" });
    expect(decide(policy, facts([unavailable], { attempt: 2 }))).toEqual({
      kind: "dead_letter",
      cause: "exhausted",
      effect: "none",
    });
  });
  test("then pace: a snooze until the soonest may be asked", () => {
    const withheld = outcome({ kind: "withheld", code: "circuit_open", retryAfterMs: 2000 });
    expect(decide(policy, facts([throttled, withheld], { random: 0 }))).toEqual({
      kind: "snooze",
      delayMs: 2000,
    });
  });
});

test("a later refusal says nothing about an earlier unknown call", () => {
  const history = [outcome({ kind: "ambiguous", code: "timeout" })];
  const refused = [outcome({ kind: "rejected", code: "http_400" })];
  expect(decide(policy, facts(refused, { history, canAskAgain: false }))).toMatchObject({
    cause: "ambiguous",
    effect: "maybe",
  });
});

test("one provider's long wait is not the wait of another that said nothing", () => {
  const patient = outcome({ kind: "unavailable", code: "http_503", retryAfterMs: 86_400_000 });
  const refused = outcome({ kind: "unavailable", code: "connect_failed", provider: "b" });
  expect(decide(policy, facts([patient, refused]))).toEqual({ kind: "retry", delayMs: 500 });
});

test("chance never carries a wait past the end of a life that the wait itself fits into", () => {
  const throttled = outcome({ kind: "throttled", code: "http_429", retryAfterMs: 3_000_000 });
  expect(decide(policy, facts([throttled], { random: 0.99 }))).toEqual({
    kind: "snooze",
    delayMs: 3_598_000,
  });
});

test("a cancelled job dies, and its effect is told; one that was delivered first is delivered", () => {
  const isCancelled = true;
  const interrupted = outcome({ kind: "withheld", code: "interrupted", retryAfterMs: 0 });
  expect(decide(policy, facts([interrupted], { isCancelled }))).toEqual({
    kind: "dead_letter",
    cause: "cancelled",
    effect: "none",
  });
  const cut = outcome({ kind: "ambiguous", code: "interrupted" });
  expect(decide(policy, facts([cut], { isCancelled }))).toEqual({
    kind: "dead_letter",
    cause: "cancelled",
    effect: "maybe",
  });
  const delivered = outcome({ kind: "delivered", receipt: "r", final: true });
  expect(decide(policy, facts([delivered], { isCancelled }))).toMatchObject({ kind: "complete" });
});

test("a key that is in use waits without spending an attempt", () => {
  const verdict = decide(
    policy,
    facts([outcome({ kind: "ambiguous", code: "in_progress", retryAfterMs: 500 })], { attempt: 2 }),
  );
  expect(verdict).toMatchObject({ kind: "snooze" });
});

test("a wait that would outlast the job's age is a dead letter now", () => {
  const throttled = outcome({ kind: "throttled", code: "http_429", retryAfterMs: 7_200_000 });
  expect(decide(policy, facts([throttled]))).toEqual({
    kind: "dead_letter",
    cause: "expired",
    effect: "none",
  });
});

test("a provider's Retry-After is waited for even when the back-off is shorter", () => {
  const unavailable = outcome({ kind: "unavailable", code: "http_503", retryAfterMs: 30_000 });
  expect(decide(policy, facts([unavailable], { random: 0 }))).toEqual({ kind: "retry", delayMs: 30_000 });
});

describe("decide, for every policy and every past", () => {
  test("never answers an effect better than what happened", () => {
    fc.assert(
      fc.property(anyPolicy, anyFacts, (job, some) => {
        const verdict = decide(job, some);
        if (verdict.kind !== "dead_letter") return;
        expect(verdict.effect).toBe(effectOf([...some.history, ...some.trail]) === "none" ? "none" : "maybe");
      }),
    );
  });
  test("completes exactly when somebody delivered", () => {
    fc.assert(
      fc.property(anyPolicy, anyFacts, (job, some) => {
        expect(decide(job, some).kind === "complete").toBe(
          some.trail.some(({ kind }) => kind === "delivered"),
        );
      }),
    );
  });
  test("never spends an attempt when everybody only said later, nor waits without one when not", () => {
    fc.assert(
      fc.property(anyPolicy, anyFacts, (job, some) => {
        const { kind } = decide(job, some);
        const spends = spendsAttempt(some.trail);
        if (kind === "retry") expect(spends).toBe(true);
        if (kind === "snooze") expect(spends).toBe(false);
      }),
    );
  });
  test("never goes on once the attempts are spent, unless nobody was asked in earnest", () => {
    fc.assert(
      fc.property(anyPolicy, anyFacts, (job, some) => {
        const verdict = decide(job, { ...some, attempt: job.retry.attempts - 1 });
        expect(verdict.kind).not.toBe("retry");
      }),
    );
  });
  test("never waits past the end of the job's age, and waits are finite", () => {
    fc.assert(
      fc.property(anyPolicy, anyFacts, (job, some) => {
        const verdict = decide(job, some);
        if (verdict.kind !== "retry" && verdict.kind !== "snooze") return;
        expect(verdict.delayMs).toBeGreaterThanOrEqual(0);
        expect(some.now + verdict.delayMs).toBeLessThan(some.lifeStartedAt + job.maxAgeMs);
      }),
    );
  });
  test("is rejected only when the effect is surely none", () => {
    fc.assert(
      fc.property(anyPolicy, anyFacts, (job, some) => {
        const verdict = decide(job, some);
        if (verdict.kind === "dead_letter" && verdict.cause === "rejected")
          expect(verdict.effect).toBe("none");
      }),
    );
  });
});

describe("foregone", () => {
  const past = { history: [], attempt: 0, lifeStartedAt: 0, canAskAgain: true, now: 1000 };
  test("lets a young job with attempts left be asked", () => {
    expect(foregone(policy, past)).toBeUndefined();
  });
  test("ends a job that is too old before anybody is asked", () => {
    expect(foregone(policy, { ...past, now: 3_600_000 })).toMatchObject({ cause: "expired" });
  });
  test("ends a job whose attempts were spent by lost workers", () => {
    const history = [outcome({ kind: "ambiguous", code: "worker_lost", count: 3 })];
    expect(foregone(policy, { ...past, history, attempt: 3 })).toMatchObject({
      cause: "ambiguous",
      effect: "maybe",
    });
  });
  test("ends a job of unknown effect that may not be sent again", () => {
    const history = [outcome({ kind: "ambiguous", code: "worker_lost" })];
    expect(foregone(policy, { ...past, history, canAskAgain: false })).toMatchObject({ cause: "ambiguous" });
  });
});

describe("effects and copies", () => {
  test("effect accumulates: more calls never make it better, except a delivery", () => {
    fc.assert(
      fc.property(fc.array(anyOutcome), anyOutcome, (past, next) => {
        const rank = { none: 0, maybe: 1, done: 2 } as const;
        expect(rank[effectOf([...past, next])]).toBeGreaterThanOrEqual(rank[effectOf(past)]);
      }),
    );
  });
  test("compacting keeps effects and copies of every provider, and bounds the trail", () => {
    fc.assert(
      fc.property(fc.array(anyOutcome, { maxLength: 200 }), (trail) => {
        const small = compact(trail);
        for (const provider of [undefined, "a", "b", "c"])
          expect(effectOf(small, provider)).toBe(effectOf(trail, provider));
        expect(possibleCopies(small)).toBe(possibleCopies(trail));
        for (const provider of ["a", "b", "c"])
          expect(firstUnknown(small, provider)).toBe(firstUnknown(trail, provider));
        expect(small.length).toBeLessThanOrEqual(30);
        expect(compact([...small, ...small.slice(-1)]).length).toBeLessThanOrEqual(31);
      }),
    );
  });
  test("a mail that may have been taken twice is marked", () => {
    const unknown = outcome({ kind: "ambiguous", code: "timeout", provider: "a" });
    const delivered = outcome({ kind: "delivered", receipt: {}, final: true, provider: "b" });
    expect(mayBeDuplicated([unknown])).toBe(false);
    expect(mayBeDuplicated([unknown, delivered])).toBe(true);
  });
  test("repeats under a key that the provider replays are one copy", () => {
    const unknown = outcome({ kind: "ambiguous", code: "timeout", provider: "a" });
    expect(possibleCopies([unknown, unknown])).toBe(2);
    expect(possibleCopies([unknown, unknown], (provider) => provider === "a")).toBe(1);
  });
});

describe("evidence", () => {
  const unknown = outcome({ kind: "ambiguous", code: "timeout", provider: "a", at: 1 });
  const proof = outcome({
    kind: "unavailable",
    code: "not_found",
    provider: "a",
    at: 2,
    lookUp: true,
    provesNone: true,
  });

  test("that nothing happened settles what came before it at that provider, and nothing else", () => {
    expect(effectOf([unknown, proof])).toBe("none");
    expect(possibleCopies([unknown, proof])).toBe(0);
    expect(effectOf([proof, unknown])).toBe("maybe");
    expect(effectOf([unknown, { ...unknown, provider: "b" }, proof])).toBe("maybe");
  });

  test("a look-up has no effect itself and spends no attempt, unless it finds one", () => {
    const shrug = { ...unknown, lookUp: true } as const;
    expect(effectOf([shrug])).toBe("none");
    expect(spendsAttempt([shrug])).toBe(false);
    const found = outcome({ kind: "delivered", receipt: {}, final: true, lookUp: true });
    expect(effectOf([unknown, found])).toBe("done");
  });

  test("compacting keeps it apart from what comes after, whatever the clocks say", () => {
    const before = Array.from({ length: 15 }, (_, n) => ({ ...unknown, at: 100 + n }));
    const after = Array.from({ length: 15 }, (_, n) => ({ ...unknown, at: n }));
    for (const trail of [
      [...before, proof],
      [...before, proof, ...after],
      [...before, proof, ...before, proof],
    ]) {
      const long = [
        ...trail,
        ...Array.from({ length: 20 }, () => outcome({ kind: "throttled", code: "x", provider: "c" })),
      ];
      expect(effectOf(compact(long))).toBe(effectOf(long));
      expect(possibleCopies(compact(long))).toBe(possibleCopies(long));
    }
  });

  test("a folded outcome remembers when the last of them ended", () => {
    const trail = Array.from({ length: 30 }, (_, n) => ({ ...unknown, at: 10 * n, durationMs: 5 }));
    expect(compact(trail)).toMatchObject([{ at: 0 }, { at: 10, lastAt: 285, count: 28 }, { at: 290 }]);
  });
});

describe("a job of unknown effect", () => {
  const unknown = outcome({ kind: "ambiguous", code: "timeout" });
  const spent = { attempt: 2, now: 1000 };

  test("is not given up while its provider can still be asked whether it happened", () => {
    expect(decide(policy, facts([unknown], { ...spent, lookUpAt: 5000 }))).toEqual({
      kind: "snooze",
      delayMs: 4000,
    });
    expect(decide(policy, facts([unknown], { ...spent, lookUpAt: undefined }))).toMatchObject({
      cause: "ambiguous",
    });
    const { trail: _, random: __, ...past } = facts([], { history: [unknown], attempt: 3, lookUpAt: 500 });
    expect(foregone(policy, past)).toEqual({ kind: "snooze", delayMs: 0 });
  });

  test("that was cancelled stays so", () => {
    expect(decide(policy, facts([unknown], { ...spent, lookUpAt: 5000, isCancelled: true }))).toMatchObject({
      cause: "cancelled",
      effect: "maybe",
    });
  });

  test("that a person has looked up is a dead letter again unless it had happened, and nothing else is done", () => {
    const lookUp = { cause: "ambiguous" } as const;
    const history = [unknown];
    const look = (more: Parameters<typeof outcome>[0]) =>
      decide(policy, facts([outcome({ ...more, lookUp: true })], { history, lookUp, lookUpAt: 5000 }));
    expect(look({ kind: "delivered", receipt: "r", final: true })).toEqual({
      kind: "complete",
      receipt: "r",
    });
    expect(look({ kind: "ambiguous", code: "cannot_tell" })).toMatchObject({
      cause: "ambiguous",
      effect: "maybe",
    });
    expect(look({ kind: "unavailable", code: "not_found", provesNone: true })).toEqual({
      kind: "dead_letter",
      cause: "exhausted",
      effect: "none",
    });
    expect(look({ kind: "unavailable", code: "http_503" })).toMatchObject({ cause: "ambiguous" });
  });
});

test("whoever says later and not when is asked less and less often", () => {
  const busy = outcome({ kind: "ambiguous", code: "in_progress" });
  const wait = (history: readonly Outcome[]) => decide(policy, facts([busy], { history, random: 0 }));
  expect(wait([])).toEqual({ kind: "snooze", delayMs: 1000 });
  expect(wait([busy, busy])).toEqual({ kind: "snooze", delayMs: 4000 });
  expect(wait([{ ...busy, count: 50 }])).toEqual({ kind: "snooze", delayMs: 60_000 });
  const unavailable = outcome({ kind: "unavailable", code: "http_503" });
  expect(wait([busy, busy, unavailable])).toEqual({ kind: "snooze", delayMs: 1000 });
});

test("the facts of every kind are those of the failure table", () => {
  const table = Object.fromEntries(
    (["rejected", "unavailable", "throttled", "withheld", "ambiguous"] as const).map((kind) => [
      kind,
      factsOf(failure({ kind, code: "x" })),
    ]),
  );
  expect(table).toEqual({
    rejected: { fault: "request", effect: "none", asked: true },
    unavailable: { fault: "provider", effect: "none", asked: true },
    throttled: { fault: "pace", effect: "none", asked: true },
    withheld: { fault: "pace", effect: "none", asked: false },
    ambiguous: { fault: "provider", effect: "maybe", asked: true },
  });
});

describe("with a deadline", () => {
  const slow = { ...policy, retry: { attempts: 8, baseMs: 1000, maxMs: 600_000 } };
  const down = outcome({ kind: "unavailable", code: "http_503" });
  const late = { attempt: 6, random: 0.99, now: 10_000 };
  test("a retry that would come after it comes before, with room for another", () => {
    expect(decide(slow, facts([down], late))).toEqual({ kind: "retry", delayMs: 63_360 });
    expect(decide(slow, facts([down], { ...late, deliverBy: 50_000 }))).toEqual({
      kind: "retry",
      delayMs: 20_000,
    });
  });
  test("a provider that says when to come back is not asked before", () => {
    const told = { ...down, retryAfterMs: 60_000 };
    expect(decide(slow, facts([told], { ...late, deliverBy: 50_000 }))).toMatchObject({
      delayMs: 60_000,
    });
  });
  test("retries do not come ever faster as it draws near, and as usual once it has passed", () => {
    expect(decide(slow, facts([down], { ...late, deliverBy: 10_100 }))).toEqual({
      kind: "retry",
      delayMs: 1000,
    });
    expect(decide(slow, facts([down], { ...late, deliverBy: 9000 }))).toEqual({
      kind: "retry",
      delayMs: 63_360,
    });
  });
});

describe("a gate of ours that says to come back after the end of the life", () => {
  const gate = outcome({ kind: "withheld", code: "retry_budget", retryAfterMs: 180_000 });
  const late = { now: 3_600_000 - 170_000 };
  test("kills nobody: one more try is made before the end", () => {
    expect(decide(policy, facts([gate], late))).toEqual({ kind: "snooze", delayMs: 169_000 });
  });
  test("is believed when nothing is left of it", () => {
    const over = facts([gate], { now: 3_600_000 - 500 });
    expect(decide(policy, over)).toMatchObject({ cause: "expired" });
  });
  test("is not a provider's own word, which is believed", () => {
    const told = outcome({ kind: "throttled", code: "http_429", retryAfterMs: 180_000 });
    expect(decide(policy, facts([told], late))).toMatchObject({ cause: "expired" });
    expect(decide(policy, facts([gate, told], late))).toMatchObject({ cause: "expired" });
  });
});
