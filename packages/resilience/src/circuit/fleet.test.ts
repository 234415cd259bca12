import type { Admission, Outcome, Refusal } from "@understudy/core";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { type FleetMember, joinFleet } from "../fleet/member.ts";
import { createMemoryFleet, type MemoryConnection, type MemoryFleet } from "../testing/memory-fleet.ts";
import { type CircuitBreaker, createCircuitBreaker } from "./circuit-breaker.ts";
import type { CircuitOptions } from "./options.ts";
import { rampShares } from "./state.ts";

const name = { provider: "sendgrid", capability: "email.send" };
const meta = { provider: "sendgrid", at: 0, durationMs: 1 };
const outcomes = {
  ok: { kind: "delivered", receipt: {}, final: true, ...meta },
  fail: { kind: "unavailable", code: "http_503", ...meta },
} as const satisfies Record<string, Outcome>;
const options: Partial<CircuitOptions> = {
  windowMs: 2000,
  minCalls: 4,
  openMs: 1000,
  maxOpenMs: 4000,
  probeEveryMs: 1000,
  probeLeaseMs: 3000,
  rampMs: 500,
  slowMs: 300,
};

interface Worker {
  readonly breaker: CircuitBreaker;
  readonly member: FleetMember;
  readonly connection: MemoryConnection;
}

let members: FleetMember[] = [];
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const member of members) member.close();
  members = [];
  vi.useRealTimers();
});

interface Hiring {
  readonly circuit?: Partial<CircuitOptions>;
  readonly isolated?: () => { readonly reason: string } | undefined;
}

function hire(fleet: MemoryFleet, count: number, { circuit = options, isolated }: Hiring = {}): Worker[] {
  return Array.from({ length: count }, (_, n) => {
    const connection = fleet.connect();
    const member = joinFleet({
      store: connection.store,
      self: `w${n}`,
      now: Date.now,
      onChange: () => undefined,
      onReachable: () => undefined,
    });
    members.push(member);
    connection.hear(member.news);
    const peers = member.peersOf(name, circuit.probeEveryMs ?? 5000);
    const breaker = createCircuitBreaker({
      now: Date.now,
      options: circuit,
      peers,
      ...(isolated === undefined ? {} : { isolated }),
    });
    member.join(name, breaker);
    return { breaker, member, connection };
  });
}

const newFleet = async (
  count: number,
  hiring: Hiring = {},
): Promise<{ readonly fleet: MemoryFleet; readonly workers: Worker[] }> => {
  const fleet = createMemoryFleet(Date.now);
  const workers = hire(fleet, count, hiring);
  await vi.advanceTimersByTimeAsync(200);
  return { fleet, workers };
};

const ask = async ({ breaker }: Worker): Promise<Admission | Refusal> => await breaker.admit();

/** Calls once; undefined when it was withheld. */
async function call(worker: Worker, outcome: Outcome): Promise<Outcome | undefined> {
  const answer = await ask(worker);
  if (!answer.ok) return undefined;
  answer.settle(outcome);
  return outcome;
}

/** Every worker calls ten times a second for so long. */
async function traffic(
  workers: readonly Worker[],
  ms: number,
  outcome: (worker: number) => Outcome,
): Promise<number> {
  let made = 0;
  for (let spent = 0; spent < ms; spent += 100) {
    for (const [n, worker] of workers.entries())
      if ((await call(worker, outcome(n))) !== undefined) made += 1;
    await vi.advanceTimersByTimeAsync(100);
  }
  return made;
}

const ats = (workers: readonly Worker[]): readonly string[] =>
  workers.map(({ breaker }) => breaker.state().at);

describe("a fleet", () => {
  test("opens for all when most find it failing, those that have not called included", async () => {
    const { workers } = await newFleet(5);
    await traffic(workers.slice(0, 4), 600, () => outcomes.fail);
    expect(ats(workers)).toEqual(Array.from({ length: 5 }, () => "open"));
    expect(workers[4]?.breaker.view().scope).toBe("fleet");
  });

  test("is not opened by one bad node, which opens for itself and finds its own way back", async () => {
    const { fleet, workers } = await newFleet(4);
    await traffic(workers, 1000, (n) => (n === 0 ? outcomes.fail : outcomes.ok));
    expect(ats(workers)).toEqual(["open", "closed", "closed", "closed"]);
    expect(workers[0]?.breaker.view()).toMatchObject({ scope: "worker", reason: "failure_rate" });
    expect(fleet.history).toEqual([]);
    await traffic(workers, 10_000, () => outcomes.ok);
    expect(ats(workers)).toEqual(["closed", "closed", "closed", "closed"]);
  });

  test("opens at once when the credentials of all are refused, and by a single call of each", async () => {
    const { workers } = await newFleet(2);
    for (const worker of workers) await call(worker, { kind: "unavailable", code: "unauthorized", ...meta });
    await vi.advanceTimersByTimeAsync(100);
    expect(workers.map(({ breaker }) => breaker.view())).toMatchObject([
      { scope: "fleet", reason: "unauthorized", state: { at: "open" } },
      { scope: "fleet", reason: "unauthorized", state: { at: "open" } },
    ]);
  });

  test("opens when calls hang, before any of them is over", async () => {
    const { workers } = await newFleet(3);
    for (let n = 0; n < 4; n += 1) for (const worker of workers) await ask(worker);
    await vi.advanceTimersByTimeAsync(600);
    expect(ats(workers)).toEqual(["open", "open", "open"]);
    expect(workers[0]?.breaker.view().reason).toBe("slow_rate");
  });

  test("sends one probe at a time and not more often than it may, however many workers want to", async () => {
    const { fleet, workers } = await newFleet(6);
    await traffic(workers, 600, () => outcomes.fail);
    const probes = await traffic(workers, 10_000, () => outcomes.fail);
    const openings = fleet.history.filter(({ after }) => after.state.at === "half_open");
    expect(probes).toBe(openings.length);
    expect(probes).toBeGreaterThanOrEqual(2);
    const times = openings.map(({ at }) => at);
    for (const [n, at] of times.entries())
      if (n > 0) expect(at - (times[n - 1] ?? 0)).toBeGreaterThanOrEqual(1000);
  });

  test("recovers in steps, each with its share of the traffic", async () => {
    const { fleet, workers } = await newFleet(10);
    await traffic(workers, 5000, () => outcomes.ok);
    await traffic(workers, 1500, () => outcomes.fail);
    const passed: Record<string, number> = {};
    const asked: Record<string, number> = {};
    for (let n = 0; n < 80 && fleet.circuit(name).state.at !== "closed"; n += 1) {
      const { state } = fleet.circuit(name);
      const share = state.at === "half_open" ? String(state.share) : state.at;
      passed[share] = (passed[share] ?? 0) + (await traffic(workers, 100, () => outcomes.ok));
      asked[share] = (asked[share] ?? 0) + workers.length;
    }
    expect(fleet.history.map(({ after: { state } }) => ("share" in state ? state.share : state.at))).toEqual([
      "open",
      0,
      ...rampShares,
      "closed",
    ]);
    // Ten workers with ten calls a second each: a quarter of 100 a second for half a second.
    expect(passed["0.25"]).toBeLessThanOrEqual(20);
    expect(passed["0.25"]).toBeGreaterThanOrEqual(5);
    expect(passed["0.01"]).toBeLessThanOrEqual(6);
    expect(asked["0.25"]).toBeGreaterThanOrEqual(40);
  });

  test("falls back when the recovery goes wrong, for longer than before", async () => {
    const { fleet, workers } = await newFleet(10);
    await traffic(workers, 3000, () => outcomes.ok);
    await traffic(workers, 1500, () => outcomes.fail);
    const isRamping = (): boolean => {
      const { state } = fleet.circuit(name);
      return state.at === "half_open" && state.share > 0;
    };
    for (let n = 0; n < 40 && !isRamping(); n += 1) await traffic(workers, 100, () => outcomes.ok);
    expect(isRamping()).toBe(true);
    await traffic(workers, 2500, () => outcomes.fail);
    // By then it may have been tried once more.
    const fallBack = fleet.history.find(
      ({ before, after }) => before.state.at === "half_open" && after.state.at === "open",
    );
    expect(fallBack?.after.openings).toBe(2);
  });

  test("does not recover while what it asks in its steps is not answered, and opens again", async () => {
    const { fleet, workers } = await newFleet(4, { circuit: {} });
    await traffic(workers, 5000, () => outcomes.ok);
    await traffic(workers, 3000, () => outcomes.fail);
    const shares = (): readonly (number | undefined)[] =>
      fleet.history.map(({ after: { state } }) => (state.at === "half_open" ? state.share : undefined));
    for (let n = 0; n < 300 && !shares().includes(0.01); n += 1)
      await traffic(workers, 100, () => outcomes.ok);
    const hanging: Admission[] = [];
    for (let n = 0; n < 300; n += 1) {
      for (const worker of workers) {
        const answer = await ask(worker);
        if (answer.ok) hanging.push(answer);
      }
      await vi.advanceTimersByTimeAsync(100);
    }
    // Ten calls a second of each, for half a minute.
    expect(hanging.length).toBeLessThan(40);
    expect(fleet.history.some(({ after }) => after.state.at === "closed")).toBe(false);
    expect(fleet.history.filter(({ after }) => after.state.at === "open").length).toBeGreaterThanOrEqual(2);
  });

  test("takes a probe that was too slow for none that came back", async () => {
    const { fleet, workers } = await newFleet(2);
    await traffic(workers, 600, () => outcomes.fail);
    await traffic(workers, 1600, () => ({ ...outcomes.ok, durationMs: 400 }));
    expect(fleet.history.map(({ after }) => after.reason)).toContain("slow");
    expect(fleet.circuit(name).openings).toBe(2);
  });

  test("with nothing to send leaves the circuit as it is, and so does one that is isolated", async () => {
    let isIsolated = false;
    const isolated = () => (isIsolated ? { reason: "they asked us to" } : undefined);
    const { fleet, workers } = await newFleet(3, { isolated });
    await traffic(workers, 600, () => outcomes.fail);
    const before = fleet.history.length;
    for (let n = 0; n < 600; n += 1) {
      for (const { breaker } of workers) breaker.capacity();
      await vi.advanceTimersByTimeAsync(100);
    }
    // Somebody had a call for it a moment before.
    const idle = fleet.history.length;
    expect(idle - before).toBeLessThanOrEqual(2);
    isIsolated = true;
    await traffic(workers, 60_000, () => outcomes.ok);
    expect(fleet.history.length).toBe(idle);
  });

  test("opens for all however the failures fall between what its workers say each second", async () => {
    for (let n = 0; n < 20; n += 1) {
      const { fleet, workers } = await newFleet(2);
      await traffic(workers, 1000 + n * 37, () => outcomes.ok);
      await vi.advanceTimersByTimeAsync(n * 13);
      for (const worker of workers)
        for (let calls = 0; calls < 12; calls += 1) await call(worker, outcomes.fail);
      await vi.advanceTimersByTimeAsync(300);
      expect(fleet.circuit(name).state.at).toBe("open");
      for (const member of members) member.close();
    }
  });

  test("makes the one call that comes, to whichever worker, the probe", async () => {
    const { fleet, workers } = await newFleet(8);
    await traffic(workers, 600, () => outcomes.fail);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await call(workers[5] as Worker, outcomes.ok)).toEqual(outcomes.ok);
    expect((await ask(workers[2] as Worker)).ok).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(fleet.circuit(name).state).toMatchObject({ at: "half_open", share: 0.01 });
  });

  test("a probe whose owner died is sent by another, when it counts as lost", async () => {
    const { fleet, workers } = await newFleet(3);
    await traffic(workers, 600, () => outcomes.fail);
    let taken: Admission | Refusal | undefined;
    let owner: Worker | undefined;
    for (let n = 0; n < 40 && taken?.ok !== true; n += 1) {
      for (const worker of workers) {
        const answer = await ask(worker);
        if (!answer.ok) continue;
        taken = answer;
        owner = worker;
      }
      await vi.advanceTimersByTimeAsync(100);
    }
    owner?.connection.cut(true);
    owner?.member.close();
    const others = workers.filter((worker) => worker !== owner);
    expect(await traffic(others, 2000, () => outcomes.ok)).toBe(0);
    await traffic(others, 11_000, () => outcomes.ok);
    expect(fleet.circuit(name).state.at).toBe("closed");
  });

  test("a probe that nobody has a call for is given back", async () => {
    const { fleet, workers } = await newFleet(2);
    await traffic(workers, 600, () => outcomes.fail);
    // One wants to call just before the time has come, and then has nothing to do.
    await traffic(workers.slice(0, 1), 1000, () => outcomes.fail);
    await vi.advanceTimersByTimeAsync(3000);
    expect(fleet.circuit(name).state.at).toBe("open");
    await traffic(workers.slice(1), 10_000, () => outcomes.ok);
    expect(fleet.circuit(name).state.at).toBe("closed");
  });
});

describe("when the others cannot be reached", () => {
  test("each goes on alone at once, from what held for all, and comes back to the fleet", async () => {
    const { fleet, workers } = await newFleet(3);
    await traffic(workers, 600, () => outcomes.fail);
    for (const { connection } of workers) connection.cut(true);
    await vi.advanceTimersByTimeAsync(1100);
    expect(workers.map(({ member }) => member.isReachable())).toEqual([false, false, false]);
    expect(ats(workers)).not.toContain("closed");
    await traffic(workers, 11_000, () => outcomes.ok);
    expect(ats(workers)).toEqual(["closed", "closed", "closed"]);
    for (const { connection } of workers) connection.cut(false);
    await traffic(workers, 9000, () => outcomes.ok);
    expect(workers.map(({ member }) => member.isReachable())).toEqual([true, true, true]);
    expect(fleet.circuit(name).state.at).toBe("closed");
    expect(ats(workers)).toEqual(["closed", "closed", "closed"]);
  });

  test("each opens for itself", async () => {
    const { workers } = await newFleet(2);
    for (const { connection } of workers) connection.cut(true);
    await vi.advanceTimersByTimeAsync(1100);
    await traffic(workers.slice(0, 1), 600, () => outcomes.fail);
    expect(ats(workers)).toEqual(["open", "closed"]);
  });

  test("records that were lost are written again by those who remember them", async () => {
    const { fleet, workers } = await newFleet(3);
    await traffic(workers, 600, () => outcomes.fail);
    const before = fleet.circuit(name);
    fleet.forget();
    await vi.advanceTimersByTimeAsync(1500);
    expect(fleet.circuit(name).version).toBeGreaterThanOrEqual(before.version);
    expect(fleet.circuit(name).state.at).not.toBe("closed");
  });
});

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("run" as const), ms: fc.integer({ min: 100, max: 1500 }) }),
  },
  fc.record({
    do: fc.constant("die" as const),
    of: fc.constantFrom<readonly number[]>([0], [0, 1, 2], [1, 2]),
  }),
  fc.record({ do: fc.constant("cut" as const), who: fc.nat({ max: 2 }), isCut: fc.boolean() }),
  fc.record({ do: fc.constant("forget" as const) }),
);

test("whatever happens to provider, workers and records: no more probes than allowed, and all is well in the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const { fleet, workers } = await newFleet(3);
      let dead: readonly number[] = [];
      let wasAlwaysWhole = true;
      for (const one of steps) {
        if (one.do === "run")
          await traffic(workers, one.ms, (n) => (dead.includes(n) ? outcomes.fail : outcomes.ok));
        else if (one.do === "die") dead = dead.length === 0 ? one.of : [];
        else if (one.do === "cut") workers[one.who]?.connection.cut(one.isCut);
        if (one.do === "cut" || one.do === "forget") wasAlwaysWhole = false;
        if (one.do === "forget") fleet.forget();
      }
      const probes = fleet.history.filter(
        ({ after: { state } }) => state.at === "half_open" && state.share === 0,
      );
      for (const [n, { at }] of probes.entries())
        if (n > 0 && wasAlwaysWhole) expect(at - (probes[n - 1]?.at ?? 0)).toBeGreaterThanOrEqual(1000);
      for (const { connection } of workers) connection.cut(false);
      await traffic(workers, 20_000, () => outcomes.ok);
      expect(ats(workers)).toEqual(["closed", "closed", "closed"]);
      for (const member of members) member.close();
    }),
    { numRuns: 25 },
  );
});
