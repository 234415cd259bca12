import type { Outcome } from "@understudy/core";
import { openDeadLetters } from "@understudy/dead-letters";
import { keyOf } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import {
  ada,
  delivered,
  failing,
  newStage,
  release,
  noteJob,
  payJob,
  scripted,
  type Stage,
} from "./testing/stage.ts";

const keyed = { horizonMs: 86_400_000, maxKeyLength: 255 };
const unknown = failing("ambiguous", "timeout");

type Found = "not_found" | (() => Outcome);

/** A provider that is asked what became of a call, and answers as told; the last answer repeats. */
function asked(answers: readonly Found[], trustNotFoundAfterMs = 0) {
  const calls: { readonly jobId: string; readonly idempotencyKey: string }[] = [];
  const ask = async (_: unknown, call: { readonly jobId: string; readonly idempotencyKey: string }) => {
    calls.push(call);
    const answer = answers[Math.min(calls.length, answers.length) - 1] ?? "not_found";
    return typeof answer === "function" ? answer() : answer;
  };
  return { calls, question: { trustNotFoundAfterMs, ask } };
}

const found = (): Outcome => ({
  kind: "delivered",
  receipt: { id: "found" },
  final: true,
  provider: "a",
  at: Date.now(),
  durationMs: 1,
});
const shrug = (): Outcome => ({
  kind: "ambiguous",
  code: "cannot_tell",
  provider: "a",
  at: Date.now(),
  durationMs: 1,
});

async function pay(stage: Stage): Promise<string> {
  return (await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" })).id;
}

describe("a charge of unknown fate that may not be sent again", () => {
  test("is looked up, once its provider may be believed, and completes when it had happened", async () => {
    const stage = newStage();
    const { calls, question } = asked([found], 300);
    const a = scripted("a", [unknown], { idempotency: "none", lookUp: question });
    const b = scripted("b", [delivered], { idempotency: keyed });
    stage.start([a, b]);
    const id = await pay(stage);
    const envelope = await stage.reaches(id, "completed");
    expect(envelope.trail).toMatchObject([
      { provider: "a", kind: "ambiguous" },
      { provider: "a", kind: "delivered", lookUp: true },
    ]);
    const [call, look] = envelope.trail;
    expect((look?.at ?? 0) - (call?.at ?? 0)).toBeGreaterThanOrEqual(290);
    expect(await stage.client.status(id)).toMatchObject({ receipt: { id: "found" } });
    expect([a.calls.length, b.calls.length]).toEqual([1, 0]);
    expect(calls[0]).toMatchObject({ jobId: id, idempotencyKey: a.calls[0]?.idempotencyKey });
  });

  test("is not looked up while its provider is isolated, and nobody else is asked", async () => {
    const stage = newStage();
    const { calls, question } = asked(["not_found"]);
    const isolate = { verb: "isolate", provider: "a", reason: "wrong answers", by: "ada", since: 0 } as const;
    const a = {
      ...scripted("a", [unknown], { idempotency: "none", lookUp: question }),
      directive: () => isolate,
    };
    const b = scripted("b", [delivered], { idempotency: keyed });
    stage.start([a, b]);
    const id = await pay(stage);
    await until("it waits", () =>
      stage.events.some(
        (event) => event.event === "settled" && event.jobId === id && event.delayMs === 30_000,
      ),
    );
    expect([a.calls.length, calls.length, b.calls.length]).toEqual([1, 0, 0]);
  });

  test("goes to another provider once it is proved that nothing had happened", async () => {
    const stage = newStage();
    const a = scripted("a", [unknown, failing("unavailable", "http_503")], {
      idempotency: "none",
      lookUp: asked(["not_found"]).question,
    });
    const b = scripted("b", [delivered], { idempotency: keyed });
    stage.start([a, b]);
    const envelope = await stage.reaches(await pay(stage), "completed");
    expect(
      envelope.trail.map(({ provider, ...o }) => ("code" in o ? `${provider} ${o.code}` : provider)),
    ).toEqual(["a timeout", "a not_found", "a http_503", "b"]);
    expect(envelope.bound).toMatchObject({ provider: "b" });
  });

  test("is held when its provider cannot tell, and nobody else was asked", async () => {
    const stage = newStage();
    const { calls, question } = asked([shrug]);
    const a = scripted("a", [unknown], { idempotency: "none", lookUp: question });
    const b = scripted("b", [delivered], { idempotency: keyed });
    stage.start([a, b]);
    expect(await stage.reaches(await pay(stage), "dead")).toMatchObject({
      bound: { provider: "a" },
      ended: { cause: "ambiguous", effect: "maybe" },
    });
    expect([calls.length, b.calls.length]).toEqual([1, 0]);
  });

  test("whose attempts are spent is a dead letter of no effect once that is proved", async () => {
    const stage = newStage();
    const a = scripted("a", [unknown], { idempotency: keyed, lookUp: asked(["not_found"]).question });
    stage.start([a]);
    expect(await stage.reaches(await pay(stage), "dead")).toMatchObject({
      attempt: 3,
      ended: { cause: "exhausted", effect: "none" },
    });
    expect(a.calls).toHaveLength(3);
  });
});

describe("a person", () => {
  async function held(stage: Stage): Promise<string> {
    const runtime = stage.start([scripted("a", [unknown], { idempotency: "none" })]);
    const id = await pay(stage);
    await stage.reaches(id, "dead");
    await runtime.close({ deadlineMs: 100 });
    return id;
  }

  test("cannot redrive a charge of unknown fate", async () => {
    const stage = newStage();
    const id = await held(stage);
    expect(await stage.operator.redrive(id, ada())).toBe("held");
    await stage.reaches(id, "dead");
  });

  test("may have it looked up: it completes when it had happened", async () => {
    const stage = newStage();
    const id = await held(stage);
    stage.start([scripted("a", [unknown], { idempotency: "none", lookUp: asked([found]).question })]);
    expect(await stage.operator.lookUp(id, ada())).toBe("asked");
    expect(await stage.client.result(id)).toMatchObject({ state: "completed", receipt: { id: "found" } });
  });

  test("is told when there is nobody to ask, and the letter stays what it was", async () => {
    const stage = newStage();
    const id = await held(stage);
    stage.start([scripted("a", [unknown], { idempotency: "none" })]);
    expect(await stage.operator.lookUp(id, ada())).toBe("asked");
    expect(await stage.client.result(id)).toMatchObject({
      state: "dead",
      dead: {
        cause: "ambiguous",
        effect: "maybe",
        reason: expect.stringContaining("no provider on the route"),
      },
    });
  });

  test("may have it looked up: a dead letter again, of no effect, which may then be redriven to anybody under a new key", async () => {
    const stage = newStage();
    const a = scripted("a", [unknown, failing("unavailable", "http_503")], {
      idempotency: keyed,
      lookUp: asked([shrug, "not_found"]).question,
    });
    const b = scripted("b", [delivered], { idempotency: keyed });
    const runtime = stage.start([a]);
    const id = await pay(stage);
    await stage.reaches(id, "dead");
    expect(await stage.operator.lookUp(id, ada())).toBe("asked");
    const known = await until("it is known", async () => {
      const { ended, trail } = await stage.envelopeOf(id);
      return ended?.effect === "none" ? { ended, trail } : undefined;
    });
    expect(known.ended).toMatchObject({ cause: "exhausted", effect: "none" });
    expect(await stage.operator.lookUp(id, ada())).toBe("known");
    await runtime.close({ deadlineMs: 100 });
    stage.start([a, b]);
    expect(await stage.operator.redrive(id, ada())).toBe("redriven");
    expect(await stage.reaches(id, "completed")).toMatchObject({ generation: 2, redrives: 1 });
    const keys = new Set(a.calls.map(({ idempotencyKey }) => idempotencyKey));
    expect([...keys]).toEqual([`${id}-g1`, `${id}-g2`]);
    expect(b.calls).toMatchObject([{ idempotencyKey: `${id}-g2` }]);
  });

  test("may release it by name and reason; then it may be redriven", async () => {
    const stage = newStage();
    const id = await held(stage);
    await expect(release(stage, id, ada(""))).rejects.toMatchObject({
      code: "option_invalid",
    });
    expect(await release(stage, id, ada("not in the books"))).toBe("released");
    expect(await release(stage, id, ada("again"))).toBe("known");
    const { trail, ended, bound } = await stage.envelopeOf(id);
    expect({ last: trail.at(-1), ended, bound }).toMatchObject({
      last: { code: "released", detail: "ada: not in the books", provider: "a", provesNone: true },
      ended: { effect: "none" },
      bound: undefined,
    });
    expect(await stage.operator.redrive(id, ada())).toBe("redriven");
  });

  test("has it looked up and nothing else, also when it must wait for a worker that knows it", async () => {
    const stage = newStage();
    const id = await held(stage);
    expect(await stage.operator.lookUp(id, ada())).toBe("asked");
    const stranger = stage.start([scripted("a", [delivered])], { jobs: [noteJob] });
    await until("it waits", async () => {
      const { place, lookUp } = await stage.placeOf(id);
      return place === "delayed" && lookUp !== undefined ? true : undefined;
    });
    await stranger.close({ deadlineMs: 100 });
    const a = scripted("a", [delivered], { idempotency: keyed, lookUp: asked([shrug]).question });
    stage.start([a]);
    await stage.promote(id);
    expect(await stage.client.result(id)).toMatchObject({ state: "dead", dead: { effect: "maybe" } });
    expect(a.calls).toHaveLength(0);
  });

  test("may cancel a look-up that waits; released and redriven then, it is done", async () => {
    const stage = newStage();
    const id = await held(stage);
    await stage.operator.lookUp(id, ada());
    expect(await stage.client.cancel(id, "enough")).toMatchObject({ answer: "cancelled" });
    stage.start([scripted("a", [delivered], { idempotency: keyed })]);
    const sweeper = openDeadLetters(stage.redis, stage.family);
    await sweeper.sweep();
    expect(await release(stage, id, ada("it did not"))).toBe("released");
    expect(await stage.operator.redrive(id, ada())).toBe("redriven");
    expect(await stage.reaches(id, "completed")).toMatchObject({ generation: 2 });
  });

  test("releases also what was lost with its workers, and nothing that is not there", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.redis.hincrby(keyOf(stage.family, "name", id), "ats", 2);
    stage.start([scripted("a", [delivered])]);
    await stage.reaches(id, "dead");
    expect(await release(stage, id, ada("asked them"))).toBe("released");
    expect(await stage.operator.redrive(id, ada())).toBe("redriven");
    expect(await stage.reaches(id, "completed")).toMatchObject({ generation: 2 });
    expect(await release(stage, "note-unheard-of", ada("x"))).toBe("gone");
    expect(await stage.operator.lookUp("note-unheard-of", ada())).toBe("gone");
  });
});
