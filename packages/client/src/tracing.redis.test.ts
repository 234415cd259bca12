import { context, SpanKind, SpanStatusCode, trace, type TracerProvider } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { defineCapability, defineJob } from "@understudy/core";
import { welcomeEmail } from "@understudy/jobs";
import { connectWorker, familyOf, locate } from "@understudy/queue";
import { newSpace } from "@understudy/testkit";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";

import { type ClientOptions, createClient } from "./client.ts";

const { redisUrl, namespace } = newSpace();
const ada = { to: "ada@example.com", name: "Ada" };
const remote = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", isRemote: true };

const note = z.object({ n: z.number() });
const tell = defineCapability({
  name: "note.tell",
  request: note,
  receipt: note,
  duplicates: "tolerated",
  sinks: true,
});
const tellJob = defineJob({
  name: "tell",
  queue: "notes",
  payload: note,
  capability: tell,
  toRequest: (payload) => payload,
});

/** An SDK as an application registers it, for one test. */
function registerSdk(sampler?: Sampler): { readonly spans: () => readonly ReadableSpan[] } {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler === undefined ? {} : { sampler }),
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  onTestFinished(async () => {
    trace.disable();
    context.disable();
    await provider.shutdown();
  });
  return { spans: () => exporter.getFinishedSpans() };
}

function client(options: Partial<ClientOptions> = {}) {
  const one = createClient({ redis: redisUrl, namespace, ...options });
  onTestFinished(() => one.close());
  return one;
}

async function stored(queue: string, id: string): Promise<Readonly<Record<string, unknown>>> {
  const redis = connectWorker(redisUrl);
  try {
    return JSON.parse((await locate(redis, familyOf(queue, namespace), id)).data ?? "") as Record<
      string,
      unknown
    >;
  } finally {
    redis.disconnect();
  }
}

const traceparentOf = (span: ReadableSpan | undefined): string => {
  const { traceId, spanId, traceFlags } = span?.spanContext() ?? { ...remote, traceFlags: 0 };
  return `00-${traceId}-${spanId}-0${traceFlags}`;
};

test("an enqueue is a span below what is active, and its job carries it", async () => {
  const { spans } = registerSdk();
  const { enqueue } = client();
  const parent = trace.setSpanContext(context.active(), { ...remote, traceFlags: 1 });
  const { id } = await context.with(parent, () => enqueue(welcomeEmail, ada));
  const [span] = spans();
  expect(span).toMatchObject({
    name: "send email",
    kind: SpanKind.PRODUCER,
    status: { code: SpanStatusCode.UNSET },
    parentSpanContext: remote,
  });
  expect(span?.attributes).toEqual({
    "messaging.system": "bullmq",
    "messaging.operation.type": "send",
    "messaging.operation.name": "send",
    "messaging.destination.name": "email",
    "messaging.message.id": id,
    "understudy.job": "welcome-email",
    "understudy.enqueued": "created",
  });
  expect(await stored("email", id)).toMatchObject({ traceparent: traceparentOf(span) });
});

test("a duplicate changes nothing of the job's trace, and says so in its own", async () => {
  const { spans } = registerSdk();
  const { enqueue } = client();
  const { id } = await enqueue(welcomeEmail, ada, { idempotencyKey: "twice" });
  await enqueue(welcomeEmail, ada, { idempotencyKey: "twice" });
  await enqueue(welcomeEmail, { ...ada, name: "Bob" }, { idempotencyKey: "twice" });
  expect(spans().map(({ attributes }) => attributes["understudy.enqueued"])).toEqual([
    "created",
    "duplicate",
    "conflict",
  ]);
  expect(await stored("email", id)).toMatchObject({ traceparent: traceparentOf(spans()[0]) });
});

test("many jobs, and a job for each sink, are one span with their number", async () => {
  const { spans } = registerSdk();
  const { enqueue, enqueueMany } = client({ routes: { "note.tell": ["a", "b"] } });
  const many = await enqueueMany(welcomeEmail, [ada, ada, ada]);
  const { sinks = [] } = await enqueue(tellJob, { n: 1 });
  expect(spans().map(({ attributes }) => attributes["messaging.batch.message_count"])).toEqual([3, 2]);
  expect(spans().some(({ attributes }) => "messaging.message.id" in attributes)).toBe(false);
  const [first, second] = spans().map(traceparentOf);
  for (const { id } of many) expect(await stored("email", id)).toMatchObject({ traceparent: first });
  for (const { id } of sinks) expect(await stored("notes", id)).toMatchObject({ traceparent: second });
});

test("what the SDK does not sample is passed on as not sampled", async () => {
  const { spans } = registerSdk(new AlwaysOffSampler());
  const { enqueue } = client();
  const parent = trace.setSpanContext(context.active(), { ...remote, traceFlags: 1 });
  const { id } = await context.with(parent, () => enqueue(welcomeEmail, ada));
  expect(spans()).toEqual([]);
  expect((await stored("email", id))["traceparent"]).toMatch(
    new RegExp(`^00-${remote.traceId}-\\w{16}-00$`, "u"),
  );
});

test("an error is a code, without a word of the payload", async () => {
  const { spans } = registerSdk();
  const { enqueue, enqueueMany } = client({ redis: "redis://127.0.0.1:1", deadlineMs: 50 });
  const wrong = { to: "no address of ada", name: "Ada" };
  await expect(enqueue(welcomeEmail, wrong)).rejects.toThrow("The payload of welcome-email is wrong");
  await expect(enqueueMany(welcomeEmail, [wrong])).rejects.toThrow("The payload of welcome-email is wrong");
  await expect(enqueue(welcomeEmail, ada)).rejects.toThrow("Redis");
  expect(spans().map(({ status, attributes }) => [status, attributes["error.type"]])).toEqual([
    [{ code: SpanStatusCode.ERROR }, "payload_invalid"],
    [{ code: SpanStatusCode.ERROR }, "payload_invalid"],
    [{ code: SpanStatusCode.ERROR }, "redis_unreachable"],
  ]);
  const told = JSON.stringify(
    spans().map(({ name, attributes, events, status }) => [name, attributes, events, status]),
  );
  expect(told).not.toMatch(/ada/iu);
});

test("without an SDK a job is stored as if there were no traces", async () => {
  const { enqueue } = client();
  const { id } = await enqueue(welcomeEmail, ada);
  expect(Object.keys(await stored("email", id))).toEqual(["v", "payload", "enqueuedAt"]);
});

test.each(["getTracer", "startSpan", "spanContext", "setAttribute", "setStatus", "end"])(
  "a tracer whose %s throws changes nothing for whoever enqueues",
  async (broken) => {
    const bug = (): never => {
      throw new Error("a bug of theirs");
    };
    const span: Record<string, unknown> = {
      spanContext: () => remote,
      setAttribute: () => span,
      setStatus: () => span,
      end: () => undefined,
    };
    const tracer = { startSpan: () => span };
    const provider = { getTracer: () => tracer };
    for (const part of [span, tracer, provider]) if (broken in part) Object.assign(part, { [broken]: bug });
    trace.setGlobalTracerProvider(provider as unknown as TracerProvider);
    onTestFinished(() => trace.disable());
    const client = createClient({ redis: redisUrl, namespace: `${namespace}-${broken.toLowerCase()}` });
    onTestFinished(() => client.close());
    expect(await client.enqueue(welcomeEmail, ada)).toMatchObject({ status: "created" });
    expect(await client.enqueueMany(welcomeEmail, [ada, ada])).toHaveLength(2);
    await expect(client.enqueue(welcomeEmail, { ...ada, to: "nobody" })).rejects.toMatchObject({
      code: "payload_invalid",
    });
  },
);
