import { addCounts, bucketOf, connectWorker, openProducer } from "@understudy/queue";
import {
  type Circuit,
  closedCircuit,
  type Directive,
  type FleetMember,
  giveDirective,
  hearFleet,
  joinFleet,
  openFleetStore,
  readFleet,
  type Verb,
} from "@understudy/resilience";
import { until } from "@understudy/testkit";
import { describe, expect, onTestFinished, test } from "vitest";

import { type Context, contextOf } from "./context.ts";
import { restore } from "./restoring.ts";
import { newStage, noteJob, somebody, type Stage } from "./testing/stage.ts";

const NOTE = "test.note";
const PAY = "test.pay";
const HOUR = 3_600_000;

async function staged(): Promise<Stage> {
  const stage = newStage();
  await stage.worker({ [NOTE]: ["a", "b"], [PAY]: ["bank"] });
  return stage;
}

/** How the fleet holds a circuit from now on. */
async function hold({ redis, namespace }: Stage, provider: string, circuit: Partial<Circuit>): Promise<void> {
  await openFleetStore(redis, namespace).swap(
    { provider, capability: NOTE },
    { before: closedCircuit, after: { ...closedCircuit, version: 1, ...circuit }, by: "w1", lease: "none" },
  );
}

async function member({ redisUrl, namespace }: Stage, self: string): Promise<FleetMember> {
  const [redis, ears] = [connectWorker(redisUrl), connectWorker(redisUrl)];
  const fleet = joinFleet({
    store: openFleetStore(redis, namespace),
    self,
    now: Date.now,
    onChange: () => undefined,
    onReachable: () => undefined,
  });
  await hearFleet(ears, namespace, fleet.news);
  onTestFinished(() => {
    fleet.close();
    redis.disconnect();
    ears.disconnect();
  });
  await until(`${self} has joined`, () => fleet.isReachable());
  return fleet;
}

const viewOf = async ({ operator }: Stage, provider: string) =>
  (await operator.providers()).find((view) => view.provider === provider)?.capabilities[0];

describe("a provider's health", () => {
  test("tells rates, latencies, its share of the traffic, and when it last delivered", async () => {
    const stage = await staged();
    const now = Date.now();
    const call = (provider: string, kind: string, count: number) =>
      ({ of: { what: "call", provider, capability: NOTE, kind }, count }) as const;
    await addCounts(stage.redis, stage.namespace, {
      counts: [
        call("a", "delivered", 60),
        call("a", "unavailable", 20),
        call("b", "delivered", 20),
        call("b", "withheld", 5),
      ],
      errors: [],
      latencies: [
        {
          provider: "a",
          capability: NOTE,
          slow: 8,
          buckets: new Map([
            [bucketOf(100), 70],
            [bucketOf(6000), 10],
          ]),
        },
      ],
      proven: [{ provider: "a", capability: NOTE, at: now }],
      now,
    });
    const a = await viewOf(stage, "a");
    expect(a).toMatchObject({
      calls: 80,
      errorRate: 0.25,
      slowRate: 0.1,
      trafficShare: 0.75,
      provenAt: now,
      place: 1,
    });
    expect(Math.abs((a?.latency?.p50 ?? 0) - 100)).toBeLessThanOrEqual(10);
    expect(Math.abs((a?.latency?.p99 ?? 0) - 6000)).toBeLessThanOrEqual(600);
    const b = await viewOf(stage, "b");
    expect(b).toMatchObject({
      trafficShare: 0.25,
      withheld: 5,
      state: { at: "closed" },
      since: 0,
      isMoney: false,
    });
    expect(b).not.toHaveProperty("provenAt");
    expect(await viewOf(stage, "bank")).toMatchObject({ calls: 0, trafficShare: 0, isMoney: true });
  });

  test("tells of an open circuit why, since when, and who does its work; and where only some worker finds it open", async () => {
    const stage = newStage();
    const routes = { [NOTE]: ["a", "b"] };
    const alone = { [`b ${NOTE}`]: { at: "open", reason: "unauthorized", since: Date.now() } };
    await stage.worker(routes, alone);
    await stage.worker(routes, {}, "w2");
    const since = Date.now() - 240_000;
    // The last probe failed lately, and of how it began the history may know nothing any more.
    await hold(stage, "a", {
      state: { at: "open", until: Date.now() + 5000 },
      reason: "failure_rate",
      openedAt: since,
      since: Date.now() - 1000,
    });
    expect(await viewOf(stage, "a")).toMatchObject({
      state: { at: "open" },
      reason: "failure_rate",
      since,
      openOnWorkers: 0,
      sentence: `a ${NOTE}: circuit open for 4 min (failure_rate); 100 % of ${NOTE} goes to b.`,
    });
    expect(await viewOf(stage, "b")).toMatchObject({
      state: { at: "closed" },
      openOnWorkers: 1,
      workers: 2,
      sentence: `b ${NOTE}: circuit open on 1 of 2 workers alone (unauthorized); the others find nothing wrong with it.`,
    });
    await stage.worker(routes, alone, "w2");
    expect((await viewOf(stage, "b"))?.sentence).toBe(
      `b ${NOTE}: circuit open on each of its 2 workers for less than a minute (unauthorized); nobody else serves ${NOTE}, and its jobs wait.`,
    );
    expect((await viewOf(stage, "a"))?.sentence).toContain(`nobody else serves ${NOTE}`);
    await stage.worker(routes, {}, "w2");
    expect(await stage.operator.transitions(5)).toMatchObject([
      { what: "circuit", provider: "a", from: "closed", to: "open", by: "w1" },
    ]);
    await stage.operator.direct({ verb: "divert", provider: "b" }, somebody());
    expect((await viewOf(stage, "a"))?.sentence).toContain(`nobody else serves ${NOTE}`);
  });
});

describe("a person's word", () => {
  test("reaches every worker of the fleet within a second, and so does taking it back", async () => {
    const stage = await staged();
    const fleet = await Promise.all(["w1", "w2", "w3", "w4", "w5"].map((name) => member(stage, name)));
    const verbs = (): readonly (Verb | undefined)[] => fleet.map((one) => one.directive("a", NOTE)?.verb);
    const all = async (verb: Verb | undefined): Promise<number> => {
      const begun = performance.now();
      await until(`all hold ${verb}`, () => verbs().every((one) => one === verb), 3000);
      return performance.now() - begun;
    };
    for (const verb of ["divert", "prefer", "isolate"] as const) {
      await stage.operator.direct({ verb, provider: "a", forMs: HOUR }, somebody());
      expect(await all(verb)).toBeLessThan(1000);
    }
    expect((await viewOf(stage, "a"))?.state).toMatchObject({ at: "isolated", reason: "for a test" });
    expect(fleet.map((one) => one.directive("b", NOTE))).toEqual(fleet.map(() => undefined));
    await stage.operator.restore({ provider: "a" }, somebody());
    expect(await all(undefined)).toBeLessThan(1000);
    expect((await viewOf(stage, "a"))?.state).toEqual({ at: "closed" });
  });

  test("is written down before and after, with who, why and for how long", async () => {
    const stage = await staged();
    const given = await stage.operator.direct(
      { verb: "isolate", provider: "a", capability: NOTE, forMs: HOUR },
      somebody("operator", "it drops mails", "eve"),
    );
    expect(given.directive).toMatchObject({ verb: "isolate", by: "eve", reason: "it drops mails" });
    expect((given.directive.until ?? 0) - given.directive.since).toBe(HOUR);
    const { entries } = await stage.operator.audit();
    expect(entries.toReversed()).toMatchObject([
      { by: "eve", action: "isolate", subject: `a ${NOTE}`, reason: "it drops mails", plan: { forMs: HOUR } },
      { action: "isolate", result: "directed", of: 1 },
    ]);
    expect(await stage.operator.transitions()).toMatchObject([
      { what: "directive", verb: "isolate", provider: "a", capability: NOTE, by: "eve" },
    ]);
  });

  test("that leaves nobody is warned of, before and after; what only another holds open counts as nobody", async () => {
    const stage = await staged();
    expect((await stage.operator.weigh({ verb: "divert", provider: "a" })).warnings).toEqual([]);
    await hold(stage, "b", { state: { at: "open", until: 1 } });
    expect((await stage.operator.weigh({ verb: "divert", provider: "a" })).warnings).toEqual([
      `That leaves b for ${NOTE}, and no circuit among them is closed: its jobs would wait.`,
    ]);
    await stage.operator.direct({ verb: "isolate", provider: "b" }, somebody());
    const order = { verb: "divert", provider: "a", capability: NOTE } as const;
    const words = `Nobody is left to serve ${NOTE}: a is the last that gets work. Its jobs wait until one is restored.`;
    expect((await stage.operator.weigh(order)).warnings).toEqual([words]);
    expect((await stage.operator.direct(order, somebody())).warnings).toEqual([words]);
    expect((await stage.operator.weigh({ ...order, verb: "prefer" })).warnings).toEqual([
      "It takes the place of ada's divert (for a test).",
    ]);
    expect((await stage.operator.weigh({ verb: "isolate", provider: "a" })).warnings).toEqual([words]);
  });

  test("gives way to a narrower one, and any to an isolation, of which it is told beforehand", async () => {
    const stage = await staged();
    const { operator } = stage;
    const narrow = { provider: "a", capability: NOTE } as const;
    await operator.direct({ verb: "prefer", ...narrow }, somebody());
    expect(await operator.weigh({ verb: "divert", provider: "a" })).toMatchObject({
      consequence: "Nothing changes: what was said before is the stronger word.",
      warnings: [
        `For ${NOTE} it changes nothing: ada said prefer of it alone, and that holds until it is restored.`,
      ],
    });
    expect(await operator.direct({ verb: "isolate", provider: "a" }, somebody())).toMatchObject({
      consequence: expect.stringContaining(`No worker calls a for ${NOTE} at all`),
      warnings: [],
    });
    expect(await viewOf(stage, "a")).toMatchObject({
      state: { at: "isolated" },
      directive: { verb: "isolate" },
    });
    expect((await operator.weigh({ verb: "divert", ...narrow })).warnings).toEqual([
      `For ${NOTE} it changes nothing: ada said isolate of all that a does, and that holds until it is restored.`,
      "It takes the place of ada's prefer (for a test).",
    ]);
    expect(await operator.weighRestore(narrow)).toMatchObject({
      consequence: "Nothing changes.",
      warnings: ["What holds, isolate, was said of all that a does: restore all of it."],
    });
    expect((await operator.restore(narrow, somebody())).sentence).toBe(
      `a ${NOTE}: prefer taken back. What holds now: isolate a.`,
    );
  });

  test("that diverts the only one says that what is bound to it comes slowly", async () => {
    const { operator } = await staged();
    expect((await operator.weigh({ verb: "divert", provider: "a" })).consequence).toContain(
      "What is bound to it stays with it.",
    );
    expect((await operator.weigh({ verb: "divert", provider: "bank" })).consequence).toContain(
      `still settled there, but slowly: nobody else takes work of ${PAY}, so about one of its jobs a second`,
    );
    await operator.direct({ verb: "isolate", provider: "b" }, somebody());
    expect((await operator.weigh({ verb: "divert", provider: "a" })).consequence).toContain("but slowly");
  });

  test("is taken back whole, or for one capability; of nothing it says so, and what there is", async () => {
    const stage = await staged();
    await stage.operator.direct({ verb: "prefer", provider: "b" }, somebody());
    expect(await stage.operator.restore({ provider: "b", capability: NOTE }, somebody())).toEqual({
      answer: "nothing",
      directives: [],
      sentence: `Nothing was said of b ${NOTE}, so there is nothing to take back. What holds: prefer b.`,
    });
    expect((await stage.operator.restore({ provider: "a" }, somebody())).sentence).toContain(
      "Something was said of b.",
    );
    await stage.operator.direct({ verb: "divert", provider: "b", capability: NOTE }, somebody());
    expect(await stage.operator.restore({ provider: "b" }, somebody())).toMatchObject({
      answer: "restored",
      directives: expect.arrayContaining([
        expect.objectContaining({ verb: "prefer" }),
        expect.objectContaining({ verb: "divert" }),
      ]),
    });
    expect(await viewOf(stage, "b")).not.toHaveProperty("directive");
  });

  test("that was not shown to whoever restores stays, and they are told of it", async () => {
    const { operator, redis, namespace } = await staged();
    const shown = await operator.direct({ verb: "divert", provider: "a" }, somebody());
    const isolate = { verb: "isolate", provider: "a", capability: NOTE } as const;
    const { directive } = await operator.direct(isolate, somebody("admin", "it drops mails", "bob"));
    const part = await operator.restore({ provider: "a", seen: [shown.directive.since] }, somebody());
    const meanwhile = `Meanwhile something else was said of a, and it was left as it is: isolate a ${NOTE} by bob (it drops mails).`;
    expect(part).toEqual({
      answer: "changed",
      directives: [shown.directive],
      sentence: `${meanwhile} Taken back: divert a. Restore once more to take it back.`,
    });
    expect((await operator.restore({ provider: "a", seen: [] }, somebody())).sentence).toBe(
      `${meanwhile} Restore once more to take it back.`,
    );
    expect((await readFleet(redis, namespace)).directives).toEqual([directive]);
    const results = (await operator.audit()).entries.flatMap((entry) => entry.result ?? []);
    expect(results.slice(0, 2)).toEqual(["changed", "restored in part"]);
    expect((await operator.weighRestore({ provider: "a" })).directives).toEqual([directive]);
  });

  test("that is given while an older one is taken back stays", async () => {
    const { operator, redis, redisUrl, namespace } = await staged();
    await operator.direct({ verb: "divert", provider: "a" }, somebody());
    const producer = openProducer(redisUrl);
    onTestFinished(() => producer.close());
    const own = { jobs: [noteJob], providers: {}, namespace, deadlineMs: 5000, now: Date.now };
    const context = contextOf(producer, own);
    let isolate: Directive | undefined;
    // Bob speaks right after ada has read.
    const ask: Context["ask"] = async (question) => {
      const answer = await context.ask(question);
      if (isolate === undefined && "directives" in Object(answer))
        isolate = await giveDirective(redis, namespace, {
          verb: "isolate",
          provider: "a",
          reason: "harm",
          by: "bob",
        });
      return answer;
    };
    expect(await restore({ ...context, ask }, { provider: "a" }, somebody())).toEqual({
      answer: "changed",
      directives: [],
      sentence:
        "Meanwhile something else was said of a, and it was left as it is: isolate a by bob (harm). Restore once more to take it back.",
    });
    expect((await readFleet(redis, namespace)).directives).toEqual([isolate]);
  });

  test("about one that no live worker has on a route any more is shown, and can be taken back", async () => {
    const stage = await staged();
    const { operator } = stage;
    await hold(stage, "b", { state: { at: "open", until: Date.now() + 5000 }, reason: "failure_rate" });
    await operator.direct({ verb: "isolate", provider: "a", capability: NOTE }, somebody());
    await operator.direct({ verb: "divert", provider: "b" }, somebody());
    await operator.direct({ verb: "divert", provider: "bank" }, somebody());
    await stage.worker({});
    expect(await operator.providers()).toMatchObject([
      { provider: "a", capabilities: [{ capability: NOTE, state: { at: "isolated" }, workers: 0 }] },
      {
        provider: "b",
        capabilities: [
          { capability: NOTE, state: { at: "open" }, workers: 0, directive: { verb: "divert" } },
        ],
      },
      { provider: "bank", capabilities: [], directive: { verb: "divert" } },
    ]);
    for (const provider of ["a", "b", "bank"])
      expect((await operator.restore({ provider }, somebody())).answer).toBe("restored");
    expect(await operator.providers()).toEqual([]);
  });

  test("about money takes a money-operator, also where only the provider's definition says so", async () => {
    const stage = newStage();
    await stage.worker({ [NOTE]: ["a", "bank"], [PAY]: ["vault"] });
    const who = somebody("operator");
    const mail = { verb: "divert", provider: "bank", capability: NOTE } as const;
    expect(await stage.operator.direct(mail, who)).toMatchObject({ isMoney: false });
    const refusal = { code: "not_permitted", message: expect.stringContaining("money-operator") };
    await expect(stage.operator.direct({ verb: "divert", provider: "bank" }, who)).rejects.toMatchObject(
      refusal,
    );
    await expect(stage.operator.direct({ verb: "prefer", provider: "vault" }, who)).rejects.toMatchObject(
      refusal,
    );
    await expect(stage.operator.restore({ provider: "bank" }, who)).rejects.toMatchObject(refusal);
    await expect(
      stage.operator.direct({ verb: "divert", provider: "a" }, somebody("viewer")),
    ).rejects.toMatchObject({ code: "not_permitted" });
    expect((await stage.operator.audit()).entries[0]).toMatchObject({ result: "refused: not permitted" });
  });

  test.each([
    [{ verb: "divert", provider: "c" }, 'No live worker has "c" on a route: there are a, b, bank.'],
    [{ verb: "divert", provider: "vault" }, 'No live worker has "vault" on a route'],
    [
      { verb: "divert", provider: "a", capability: PAY },
      `a is on no route of "${PAY}": it is on those of ${NOTE}.`,
    ],
    [{ verb: "divert", provider: "a", forMs: 0 }, "longer than nothing and at most 30 days"],
    [{ verb: "divert", provider: "a", forMs: 31 * 24 * HOUR }, "longer than nothing and at most 30 days"],
    [{ verb: "divert", provider: "a", forMs: Number.NaN }, "longer than nothing"],
    [{ verb: "divert", provider: "a b" }, "That is no name of a provider"],
    [{ verb: "drain", provider: "a" }, "There is no drain: there are divert, prefer, isolate."],
  ])("that makes no sense is refused with the choice: %j", async (order, message) => {
    const stage = await staged();
    await expect(stage.operator.direct(order as never, somebody())).rejects.toMatchObject({
      code: "option_invalid",
      message: expect.stringContaining(message),
    });
    expect((await stage.operator.audit()).total).toBe(0);
  });

  test("is refused while no worker would hear it", async () => {
    await expect(
      newStage().operator.direct({ verb: "divert", provider: "a" }, somebody()),
    ).rejects.toMatchObject({
      code: "option_invalid",
      message: expect.stringContaining("No live worker"),
    });
  });
});
