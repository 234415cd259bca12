import { context, SpanKind, SpanStatusCode, trace, type TracerProvider } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-base";
import { AlwaysOffSampler } from "@opentelemetry/sdk-trace-base";
import type { Envelope, Failure } from "@understudy/core";
import { keyOf, locate } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { describe, expect, onTestFinished, test } from "vitest";

import { everythingIn, registerSdk } from "./testing/spans.ts";
import {
  ada,
  delivered,
  failing,
  newStage,
  noteJob,
  payJob,
  scripted,
  type ScriptedLink,
  type Stage,
} from "./testing/stage.ts";

const received = { kind: "delivered", receipt: { id: "r1" }, final: true } as const;

const parentOf = ({ parentSpanContext }: ReadableSpan): string | undefined => parentSpanContext?.spanId;
const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;
const tracesOf = (spans: readonly ReadableSpan[]): ReadonlySet<string> =>
  new Set(spans.map((span) => span.spanContext().traceId));

/** What an adapter sees of the trace: its own call's, and what is active around it. */
function seeing(link: ScriptedLink): { readonly link: ScriptedLink; readonly seen: (string | undefined)[] } {
  const seen: (string | undefined)[] = [];
  const adapter: ScriptedLink["adapter"] = async (request, call) => {
    seen.push(call.traceparent, trace.getActiveSpan()?.spanContext().spanId);
    return await link.adapter(request, call);
  };
  return { link: { ...link, adapter }, seen };
}

async function storedOf({ redis, family }: Stage, id: string): Promise<Envelope> {
  return JSON.parse((await locate(redis, family, id)).data ?? "") as Envelope;
}

/** As somebody foreign, or a release with a mistake, may have stored it. */
async function rewrite(stage: Stage, id: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  const data = JSON.stringify({ ...(await storedOf(stage, id)), ...change });
  await stage.redis.hset(keyOf(stage.family, "name", id), "data", data);
}

describe("with an SDK", () => {
  test("the enqueue, the run and each call are one trace", async () => {
    const spans = registerSdk();
    const stage = newStage();
    const down = scripted("a", [failing("unavailable", "http_503")]);
    const { link, seen } = seeing(
      scripted("b", [() => Promise.resolve({ ...received, requestId: "req-7" })]),
    );
    stage.start([down, link]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    const [run] = await spans.named("process notes");
    const [sent] = await spans.named("send notes");
    const [first] = await spans.named("note.send a");
    const [second] = await spans.named("note.send b");

    expect(tracesOf(spans.all()).size).toBe(1);
    expect(sent).toMatchObject({ kind: SpanKind.PRODUCER, parentSpanContext: undefined });
    expect(run).toMatchObject({
      kind: SpanKind.CONSUMER,
      status: { code: SpanStatusCode.UNSET },
      parentSpanContext: { spanId: idOf(sent), isRemote: true },
      attributes: {
        "messaging.system": "bullmq",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": "notes",
        "messaging.message.id": id,
        "understudy.job": "note",
        "understudy.attempt": 1,
        "understudy.verdict": "complete",
      },
    });
    expect(first).toMatchObject({
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.ERROR },
      parentSpanContext: { spanId: idOf(run) },
      attributes: {
        "understudy.provider": "a",
        "understudy.capability": "note.send",
        "understudy.outcome": "unavailable",
        "understudy.code": "http_503",
        "error.type": "http_503",
      },
    });
    expect(second).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      parentSpanContext: { spanId: idOf(run) },
      attributes: {
        "understudy.provider": "b",
        "understudy.outcome": "delivered",
        "understudy.request_id": "req-7",
      },
    });
    // What the adapter asks with is below the call, by its own means or by ours.
    const { traceId, spanId } = second!.spanContext();
    expect(seen).toEqual([`00-${traceId}-${spanId}-01`, spanId]);
  });

  test("a retry is a second run in the same trace", async () => {
    const spans = registerSdk();
    const stage = newStage();
    stage.start([scripted("a", [failing("unavailable", "http_503"), delivered])]);
    await stage.client.enqueue(noteJob, { n: 1 });
    const runs = await spans.named("process notes", 2);
    const [sent] = await spans.named("send notes");
    expect(tracesOf(spans.all()).size).toBe(1);
    expect(runs.map(parentOf)).toEqual([idOf(sent), idOf(sent)]);
    expect(
      runs.map(({ attributes }) => [attributes["understudy.attempt"], attributes["understudy.verdict"]]),
    ).toEqual([
      [1, "retry"],
      [2, "complete"],
    ]);
  });

  test("a job that nobody traced when it was enqueued begins its trace with its first run", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    const spans = registerSdk();
    stage.start([scripted("a", [failing("unavailable", "http_503"), delivered])]);
    const [first, second] = await spans.named("process notes", 2);
    expect([first, second].map((run) => run && parentOf(run))).toEqual([undefined, idOf(first)]);
    expect(tracesOf(spans.all()).size).toBe(1);
    expect((await stage.reaches(id, "completed")).traceparent).toContain(idOf(first));
  });

  test("a dead letter is an error, and its next life a trace of its own that leads back to it", async () => {
    const spans = registerSdk();
    const stage = newStage();
    const answers = [
      failing("rejected", "http_400"),
      failing("unavailable", "http_503"),
      failing("unavailable", "http_503"),
      delivered,
    ];
    stage.start([scripted("a", answers)]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    const [dead] = await spans.named("process notes");
    const [sent] = await spans.named("send notes");
    expect(dead).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: {
        "understudy.verdict": "dead_letter",
        "understudy.cause": "rejected",
        "understudy.effect": "none",
        "error.type": "rejected",
      },
    });

    await stage.reaches(id, "dead");
    expect(await stage.operator.redrive(id, ada())).toBe("redriven");
    const [, first, second, third] = await spans.named("process notes", 4);
    expect(first).toMatchObject({
      parentSpanContext: undefined,
      links: [{ context: { traceId: sent?.spanContext().traceId, spanId: idOf(sent) } }],
    });
    expect([second, third].map((run) => run && [parentOf(run), run.links])).toEqual([
      [idOf(first), []],
      [idOf(first), []],
    ]);
    expect(tracesOf(spans.all()).size).toBe(2);
  });

  test("a job that is not to be sampled stays so all the way, and is passed on as such", async () => {
    const spans = registerSdk({ sampler: new AlwaysOffSampler() });
    const stage = newStage();
    const { link, seen } = seeing(scripted("a", [delivered]));
    stage.start([link]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect((await stage.reaches(id, "completed")).traceparent).toMatch(/-00$/u);
    expect(seen[0]).toMatch(/-00$/u);
    expect(spans.all()).toEqual([]);
  });

  test("nothing that was asked, answered or said in words is in any span", async () => {
    const spans = registerSdk();
    const stage = newStage();
    const talkative: Failure = {
      kind: "unavailable",
      code: "http_503",
      detail: "no mail for 4711@example.com",
    };
    const receipt = { id: "secret-receipt" };
    stage.start([scripted("a", [talkative]), scripted("b", [{ ...received, receipt }])]);
    await stage.client.enqueue(noteJob, { n: 471_100_815 }, { idempotencyKey: "ada@example.com" });
    await spans.named("process notes");
    const told = spans.all().map(everythingIn).join("\n");
    expect(spans.all()).toHaveLength(4);
    for (const secret of ["4711", "example.com", "secret-receipt"]) expect(told).not.toContain(secret);
  });

  test.each(["rubbish", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`, 7])(
    "a broken traceparent (%j) is as good as none",
    async (traceparent) => {
      const stage = newStage();
      const { id } = await stage.client.enqueue(noteJob, { n: 1 });
      await rewrite(stage, id, { traceparent });
      const spans = registerSdk();
      stage.start([scripted("a", [delivered])]);
      const [run] = await spans.named("process notes");
      expect(run).toMatchObject({
        parentSpanContext: undefined,
        attributes: { "understudy.verdict": "complete" },
      });
      expect((await stage.reaches(id, "completed")).traceparent).toContain(idOf(run));
    },
  );

  test("what is no job of ours has a span all the same", async () => {
    const spans = registerSdk();
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.redis.hset(keyOf(stage.family, "name", id), "data", "null");
    stage.start([scripted("a", [delivered])]);
    const [run] = await spans.named("process notes");
    expect(run).toMatchObject({ attributes: { "understudy.cause": "invalid", "error.type": "invalid" } });
  });

  test("a run whose lock was lost ends its span, as one that came to nothing", async () => {
    const spans = registerSdk();
    const stage = newStage();
    const gate = Promise.withResolvers<void>();
    stage.start([scripted("a", [() => gate.promise.then(() => delivered)])], {
      locks: { lockMs: 60_000, stalledCheckMs: 60_000 },
    });
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.reaches(id, "active");
    const key = keyOf(stage.family, "name", id);
    await stage.redis.set(`${key}:lock`, "successor");
    gate.resolve();
    const [run] = await spans.named("process notes");
    expect(run).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "error.type": "unsettled" },
    });
    expect(run?.attributes).not.toHaveProperty("understudy.verdict");
    await stage.redis.del(`${key}:lock`);
  });

  test("a look-up is a call of its own", async () => {
    const spans = registerSdk();
    const stage = newStage();
    const lookUp = {
      trustNotFoundAfterMs: 0,
      ask: () => Promise.resolve({ ...received, provider: "bank", at: Date.now(), durationMs: 1 }),
    };
    const bank = scripted("bank", [failing("ambiguous", "timeout")], { idempotency: "none", lookUp });
    stage.start([bank]);
    await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
    const [charge, question] = await spans.named("note.pay bank", 2);
    expect(charge?.attributes).toMatchObject({ "understudy.outcome": "ambiguous", "error.type": "timeout" });
    expect(question?.attributes).toMatchObject({
      "understudy.outcome": "delivered",
      "understudy.look_up": true,
    });
    expect(tracesOf(spans.all()).size).toBe(1);
  });

  test.each(["onStart", "onEnd"] as const)(
    "a span processor that throws in %s harms neither the producer nor the job",
    async (where) => {
      const fail = (): void => {
        throw new Error("a processor's bug");
      };
      const nothing: SpanProcessor = {
        onStart: () => undefined,
        onEnd: () => undefined,
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      };
      registerSdk({ spanProcessors: [{ ...nothing, [where]: fail }] });
      const stage = newStage();
      const link = scripted("a", [delivered]);
      stage.start([link]);
      const { id } = await stage.client.enqueue(noteJob, { n: 1 });
      await stage.reaches(id, "completed");
      expect(link.calls).toHaveLength(1);
      expect(stage.events.filter(({ event }) => event === "trouble")).toEqual([]);
    },
  );
});

describe("without an SDK", () => {
  test("nothing is stored, and no adapter is told anything", async () => {
    const stage = newStage();
    const { link, seen } = seeing(scripted("a", [delivered]));
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(Object.keys(await storedOf(stage, id))).toEqual(["v", "payload", "enqueuedAt"]);
    stage.start([link]);
    expect(await stage.reaches(id, "completed")).not.toHaveProperty("traceparent");
    expect(seen).toEqual([undefined, undefined]);
  });

  test("what a traced producer began is passed on as it came", async () => {
    const stage = newStage();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await rewrite(stage, id, { traceparent });
    const { link, seen } = seeing(scripted("a", [delivered]));
    stage.start([link]);
    expect(await stage.reaches(id, "completed")).toMatchObject({ traceparent });
    expect(seen).toEqual([traceparent, undefined]);
  });

  test("an SDK that comes later is used from then on", async () => {
    const stage = newStage();
    stage.start([scripted("a", [delivered])]);
    const first = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.reaches(first.id, "completed");
    const spans = registerSdk();
    await stage.client.enqueue(noteJob, { n: 2 });
    await spans.named("process notes");
    await until("the enqueue's span has ended", () => spans.all().length === 3);
    expect(tracesOf(spans.all()).size).toBe(1);
  });
});

test.each(["getTracer", "startSpan", "spanContext", "setAttribute", "setAttributes", "end", "with"])(
  "a tracer whose %s throws changes nothing for a job",
  async (broken) => {
    const bug = (): never => {
      throw new Error("a bug of theirs");
    };
    const own = { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 1 };
    const span: Record<string, unknown> = {
      spanContext: () => own,
      setAttribute: () => span,
      setAttributes: () => span,
      setStatus: () => span,
      end: () => undefined,
    };
    const tracer = { startSpan: () => span };
    const provider = { getTracer: () => tracer };
    const contexts = new AsyncLocalStorageContextManager();
    for (const part of [span, tracer, provider, contexts])
      if (broken in part) Object.assign(part, { [broken]: bug });
    const stage = newStage();
    const link = scripted("a", [delivered]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    trace.setGlobalTracerProvider(provider as unknown as TracerProvider);
    context.setGlobalContextManager(contexts);
    onTestFinished(() => {
      trace.disable();
      context.disable();
    });
    stage.start([link]);
    await until("it is done", async () => (await stage.client.status(id))?.state === "completed");
    expect(link.calls).toHaveLength(1);
  },
);
