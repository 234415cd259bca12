import { startFaultProxy, newSpace, until } from "@understudy/testkit";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";

import { type Circuit, closedCircuit } from "../circuit/state.ts";
import { joinFleet } from "../fleet/member.ts";
import type { FleetNews, SharedCircuit } from "../fleet/store.ts";
import {
  giveDirective,
  hearFleet,
  mayTell,
  openFleetStore,
  readFleet,
  readTransitions,
  takeBackDirective,
} from "./fleet-store.ts";
import { fleetKeys } from "./keys.ts";

const name = { provider: "sendgrid", capability: "email.send" };
const open = (version: number, until_ = 10): Circuit => ({
  version,
  state: { at: "open", until: until_ },
  since: 5,
  reason: "failure_rate",
  openings: 1,
});

function connect(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => 50 });
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  return redis;
}

function openStage() {
  const { redisUrl, namespace } = newSpace();
  const redis = connect(redisUrl);
  return { redisUrl, namespace, redis, store: openFleetStore(redis, namespace) };
}

const swap = (
  before: Circuit,
  after: Circuit,
  by = "w1",
  lease: Parameters<ReturnType<typeof openFleetStore>["swap"]>[1]["lease"] = "none",
) => ({ before, after, by, lease });

describe("a circuit is changed", () => {
  test("by one of many who want to, and the others are told how it stands", async () => {
    const { redisUrl, namespace } = openStage();
    const stores = Array.from({ length: 20 }, () => openFleetStore(connect(redisUrl), namespace));
    const answers = await Promise.all(
      stores.map((store, n) => store.swap(name, swap(closedCircuit, open(1, 100 + n), `w${n}`))),
    );
    const done = answers.findIndex(({ at }) => at === "done");
    expect(answers.filter(({ at }) => at === "done")).toHaveLength(1);
    expect(answers.filter(({ at }) => at === "other")).toEqual(
      Array.from({ length: 19 }, () => ({ at: "other", circuit: open(1, 100 + done) })),
    );
  });

  test("and everybody hears of it, and finds it in the history", async () => {
    const { redisUrl, namespace, store, redis } = openStage();
    const heard: SharedCircuit[] = [];
    const news: FleetNews = {
      circuit: (shared) => void heard.push(shared),
      directives: () => undefined,
      reconnected: () => undefined,
    };
    await hearFleet(connect(redisUrl), namespace, news);
    await store.swap(name, swap(closedCircuit, open(1)));
    await until("it was heard", () => heard.length > 0);
    expect(heard).toEqual([{ ...name, circuit: open(1) }]);
    expect((await store.read()).circuits).toEqual([{ ...name, circuit: open(1) }]);
    expect(await readTransitions(redis, namespace, 10)).toEqual([
      { what: "circuit", ...name, from: "closed", to: "open", reason: "failure_rate", by: "w1", at: 5 },
    ]);
  });

  test("with the right to a probe, which the circuits of a provider share", async () => {
    const { store } = openStage();
    const other = { ...name, capability: "email.validate" };
    const half: Circuit = {
      ...open(2),
      state: { at: "half_open", share: 0, probe: { owner: "w1", until: 99 } },
    };
    await store.swap(name, swap(closedCircuit, open(1)));
    await store.swap(other, swap(closedCircuit, open(1)));
    expect(await store.swap(name, swap(open(1), half, "w1", { take: 60_000 }))).toEqual({ at: "done" });
    expect(await store.swap(other, swap(open(1), half, "w2", { take: 60_000 }))).toEqual({ at: "leased" });
    expect(await store.lease(name.provider, 60_000)).toBe(false);
    expect(await store.swap(name, swap(half, open(3), "w1", "release"))).toEqual({ at: "done" });
    expect(await store.lease(name.provider, 60_000)).toBe(true);
  });

  test("and that a probe is sent and fails is no news for the history", async () => {
    const { store, redis, namespace } = openStage();
    const half: Circuit = {
      ...open(2),
      state: { at: "half_open", share: 0, probe: { owner: "w1", until: 99 } },
    };
    await store.swap(name, swap(closedCircuit, open(1)));
    await store.swap(name, swap(open(1), half));
    await store.swap(name, swap(half, open(3)));
    expect(await readTransitions(redis, namespace, 10)).toHaveLength(1);
  });

  test("and neither are the steps by which it works off what has piled up", async () => {
    const { store, redis, namespace } = openStage();
    const at = (version: number, share: number): Circuit => ({
      ...open(version),
      state: { at: "half_open", share },
      reason: "recovering",
    });
    await store.swap(name, swap(closedCircuit, at(1, 0.25)));
    for (const [version, share] of [1, 1.25, 1.5].entries())
      await store.swap(
        name,
        swap(
          version === 0 ? at(1, 0.25) : at(version + 1, [1, 1.25][version - 1] ?? 0),
          at(version + 2, share),
        ),
      );
    const told = await readTransitions(redis, namespace, 10);
    expect(told.map((one) => "share" in one && one.share)).toEqual([1, 0.25]);
  });

  test("not by whoever knows another of the same number", async () => {
    const { store } = openStage();
    await store.swap(name, swap(closedCircuit, open(1, 10)));
    expect(await store.swap(name, swap(open(1, 20), open(2)))).toEqual({ at: "other", circuit: open(1, 10) });
  });

  test("and its history does not grow for ever", async () => {
    const { store, redis, namespace } = openStage();
    const at = (version: number): Circuit =>
      version % 2 === 1 ? open(version) : { ...closedCircuit, version };
    for (let version = 0; version < 510; version += 1)
      await store.swap(name, swap(at(version), at(version + 1)));
    expect(await readTransitions(redis, namespace, 1000)).toHaveLength(500);
  });
});

test("votes are everybody's last ones", async () => {
  const { store } = openStage();
  const vote = { version: 0, at: 1, total: 10 };
  await store.vote(name, "w1", { ...vote, complaint: "failure_rate" });
  await store.vote(name, "w2", vote);
  await store.vote(name, "w1", vote);
  expect(await store.votes(name)).toEqual([vote, vote]);
  await store.vote(name, "w3", { ...vote, at: 500_000 });
  await store.votes(name);
  expect(await store.votes(name)).toEqual([{ ...vote, at: 500_000 }]);
});

test("what is not understood harms nobody: it is skipped, and read again", async () => {
  const { redis, redisUrl, namespace, store } = openStage();
  const heard: string[] = [];
  await hearFleet(connect(redisUrl), namespace, {
    circuit: () => void heard.push("circuit"),
    directives: () => void heard.push("read"),
    reconnected: () => undefined,
  });
  await store.swap(name, swap(closedCircuit, open(1)));
  await redis.hset(fleetKeys(namespace).circuits, "strange thing", "not JSON");
  await redis.hset(fleetKeys(namespace).directives, "strange", "{");
  await redis.publish(fleetKeys(namespace).news, "something new {");
  await until("both were heard", () => heard.length === 2);
  expect(heard).toEqual(["circuit", "read"]);
  expect(await store.read()).toMatchObject({ circuits: [{ ...name, circuit: open(1) }], directives: [] });
});

describe("a person's word", () => {
  const word = { verb: "divert", provider: "sendgrid", reason: "bounces", by: "ada" } as const;

  test("reaches every member in less than a second, and holds until its time is over", async () => {
    const { redisUrl, namespace, redis } = openStage();
    const members = await Promise.all(
      Array.from({ length: 5 }, async (_, n) => {
        const member = joinFleet({
          store: openFleetStore(connect(redisUrl), namespace),
          self: `w${n}`,
          now: Date.now,
          onChange: () => undefined,
          onReachable: () => undefined,
        });
        onTestFinished(() => member.close());
        await hearFleet(connect(redisUrl), namespace, member.news);
        return member;
      }),
    );
    const given = Date.now();
    await giveDirective(redis, namespace, { ...word, forMs: 1500 });
    await until("all know", () =>
      members.every((one) => one.directive("sendgrid", "email.send") !== undefined),
    );
    expect(Date.now() - given).toBeLessThan(1000);
    await until(
      "it holds no more",
      () => members.every((one) => one.directive("sendgrid", "email.send") === undefined),
      5000,
    );
    await until(
      "it is taken away",
      async () => (await readFleet(redis, namespace)).directives.length === 0,
      5000,
    );
    const verbs = (await readTransitions(redis, namespace, 10)).map((one) => "verb" in one && one.verb);
    expect(verbs).toEqual(["expire", "divert"]);
  });

  test("about one capability stands beside one about all, and is taken back alone", async () => {
    const { namespace, redis } = openStage();
    await giveDirective(redis, namespace, word);
    const narrow = await giveDirective(redis, namespace, {
      ...word,
      verb: "isolate",
      capability: "email.send",
    });
    expect((await readFleet(redis, namespace)).directives).toHaveLength(2);
    const why = { reason: "mended", by: "ada" };
    expect(await takeBackDirective(redis, namespace, narrow, why)).toBe("taken");
    expect(await takeBackDirective(redis, namespace, narrow, why)).toBe("gone");
    expect((await readFleet(redis, namespace)).directives).toMatchObject([{ verb: "divert" }]);
  });

  test("is taken back only while it is the one that was read", async () => {
    const { namespace, redis } = openStage();
    const divert = await giveDirective(redis, namespace, word);
    const isolate = await giveDirective(redis, namespace, { ...word, verb: "isolate", by: "bob" });
    const why = { reason: "mended", by: "ada" };
    expect(await takeBackDirective(redis, namespace, divert, why)).toBe("other");
    expect((await readFleet(redis, namespace)).directives).toEqual([isolate]);
    expect(await readTransitions(redis, namespace, 10)).toHaveLength(2);
    expect(await takeBackDirective(redis, namespace, isolate, why)).toBe("taken");
  });

  test("is not taken away by a worker whose clock runs ahead", async () => {
    const { namespace, redis, store } = openStage();
    const given = await giveDirective(redis, namespace, { ...word, forMs: 300 });
    await store.expire(given);
    expect((await readFleet(redis, namespace)).directives).toEqual([given]);
    expect(await readTransitions(redis, namespace, 10)).toMatchObject([{ verb: "divert" }]);
    await until("its time is over", async () => {
      await store.expire(given);
      return (await readFleet(redis, namespace)).directives.length === 0;
    });
    const endless = await giveDirective(redis, namespace, word);
    await store.expire(endless);
    expect((await readFleet(redis, namespace)).directives).toEqual([endless]);
  });
});

test("a word that the records have lost is written again, unless it was taken back", async () => {
  const { redis, namespace, store } = openStage();
  const given = await giveDirective(redis, namespace, {
    verb: "isolate",
    provider: "sendgrid",
    reason: "r",
    by: "ada",
  });
  await redis.del(fleetKeys(namespace).directives);
  await store.retell(given);
  expect((await readFleet(redis, namespace)).directives).toEqual([given]);
  await takeBackDirective(redis, namespace, given, { reason: "r", by: "ada" });
  await store.retell(given);
  expect((await readFleet(redis, namespace)).directives).toEqual([]);
});

test("of many who could tell of something one does", async () => {
  const { redis, namespace } = openStage();
  const all = await Promise.all(Array.from({ length: 5 }, () => mayTell(redis, namespace, "thing", 60_000)));
  expect(all.filter(Boolean)).toHaveLength(1);
});

describe("a member whose Redis", () => {
  async function member(port: number, namespace: string) {
    const redis = connect(`redis://127.0.0.1:${port}`);
    const one = joinFleet({
      store: openFleetStore(redis, namespace),
      self: "w1",
      now: Date.now,
      onChange: () => undefined,
      onReachable: () => undefined,
    });
    onTestFinished(() => one.close());
    await until("it has joined", () => one.isReachable(), 5000);
    return one;
  }
  async function proxied() {
    const { redisUrl, namespace } = newSpace();
    const { hostname, port } = new URL(redisUrl);
    const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
    onTestFinished(() => proxy.close());
    return { proxy, namespace };
  }

  test.each(["silence", "refuse"] as const)(
    "answers no more (%s) goes on alone, and comes back",
    async (how) => {
      const { proxy, namespace } = await proxied();
      const one = await member(proxy.port, namespace);
      if (how === "silence") proxy.silence({ deliver: false });
      else proxy.refuse();
      await until("it is alone", () => !one.isReachable(), 5000);
      await proxy.heal();
      await until("it is back", () => one.isReachable(), 5000);
      expect(one.isReachable()).toBe(true);
    },
  );
});

test("a server that takes no writes is found out by reading", async () => {
  const { store, redis } = openStage();
  const user = `reader-${crypto.randomUUID()}`;
  await redis.call("ACL", "SETUSER", user, "on", ">secret", "~*", "&*", "+@all", "-@write");
  onTestFinished(async () => void (await redis.call("ACL", "DELUSER", user)));
  await store.read();
  await redis.call("AUTH", user, "secret");
  await expect(store.read()).rejects.toThrow(/NOPERM/u);
  await redis.call("AUTH", "default", "");
});
