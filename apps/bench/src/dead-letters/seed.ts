import { type Envelope, ENVELOPE_VERSION, type Outcome } from "@understudy/core";
import { chargeCard, welcomeEmail } from "@understudy/jobs";
import { type Family, familyOf, jobIdOf, keyOf, type Redis } from "@understudy/queue";

const HOUR = 3_600_000;

/** One way to die; a tenth of all are charges of unknown fate. */
interface Way {
  readonly job: "welcome-email" | "charge-card";
  readonly cause: "exhausted" | "rejected" | "ambiguous";
  readonly effect: "none" | "maybe";
  readonly codes: readonly (readonly [string, Outcome["kind"], string])[];
}

const ways: readonly Way[] = [
  ...["http_503", "http_500", "timeout", "connection_refused", "unauthorized", "http_502"].map(
    (code): Way => ({
      job: "welcome-email",
      cause: "exhausted",
      effect: "none",
      codes: [
        ["sendgrid", "unavailable", code],
        ["mailgun", "unavailable", "http_503"],
        ["smtp", "unavailable", "connection_refused"],
      ],
    }),
  ),
  { job: "welcome-email", cause: "rejected", effect: "none", codes: [["sendgrid", "rejected", "http_400"]] },
  { job: "welcome-email", cause: "rejected", effect: "none", codes: [["mailgun", "rejected", "http_400"]] },
  { job: "welcome-email", cause: "ambiguous", effect: "maybe", codes: [["smtp", "ambiguous", "timeout"]] },
  { job: "charge-card", cause: "ambiguous", effect: "maybe", codes: [["stripe", "ambiguous", "timeout"]] },
];

export interface Seeded {
  readonly families: readonly Family[];
}

/** Jobs in the failed sets, as a worker that has just failed them leaves them, over the last three days. */
export async function seedFailedJobs(redis: Redis, namespace: string, count: number): Promise<Seeded> {
  const families = { email: familyOf("email", namespace), payments: familyOf("payments", namespace) };
  await redis.sadd(`${namespace}:families`, "email", "payments");
  const now = Date.now();
  for (let start = 0; start < count; start += 1000) {
    const pipeline = redis.pipeline();
    for (let n = start; n < Math.min(count, start + 1000); n += 1) {
      const way = ways[n % ways.length];
      if (way === undefined) continue;
      const at = now - 72 * HOUR + Math.floor((n * 72 * HOUR) / count);
      const family = way.job === "charge-card" ? families.payments : families.email;
      const id = jobIdOf(way.job, `bench-${n}`);
      const last = way.codes.at(-1);
      pipeline.hset(keyOf(family, "name", id), {
        name: way.job,
        data: JSON.stringify(envelope(way, n, at)),
        opts: '{"attempts":1,"jobId":"x","removeOnComplete":{"age":86400},"removeOnFail":false,"stackTraceLimit":5,"keepLogs":100}',
        timestamp: String(at - HOUR),
        processedOn: String(at - 50),
        finishedOn: String(at),
        ats: "8",
        atm: "1",
        failedReason: `${way.cause}: ${last?.[0]} answered ${last?.[1]} ${last?.[2]}`,
        stacktrace: "[]",
      });
      pipeline.rpush(`${keyOf(family, "name", id)}:logs`, ...logOf(way, at));
      pipeline.zadd(keyOf(family, "name", "failed"), at, id);
    }
    await pipeline.exec();
  }
  return { families: Object.values(families) };
}

function envelope(way: Way, n: number, at: number): Envelope {
  const attempts = way.cause === "exhausted" ? 8 : 1;
  const trail = Array.from({ length: attempts }, (_, attempt) => attempt).flatMap((attempt) =>
    way.codes.map(
      ([provider, kind, code], i): Outcome =>
        ({
          kind,
          code,
          provider,
          at: at - HOUR + attempt * 60_000 + i * 300,
          durationMs: 120 + ((n * 7) % 900),
          requestId: `req_${n}_${attempt}_${i}`,
        }) as Outcome,
    ),
  );
  return {
    v: ENVELOPE_VERSION,
    payload: payloadOf(way, n),
    fingerprint: `f${n}`,
    idempotencyKey: `bench-${n}`,
    enqueuedAt: at - HOUR,
    lifeStartedAt: at - HOUR,
    generation: 1,
    attempt: attempts,
    startsSettled: attempts,
    trail: trail.slice(-20),
    ended: { cause: way.cause, effect: way.effect, at },
    ...(way.job === "charge-card" ? { bound: { provider: "stripe", firstSentAt: at - 60_000 } } : {}),
  };
}

function payloadOf({ job }: Way, n: number): unknown {
  return job === welcomeEmail.name
    ? { to: `customer-${n}@example.com`, name: `Customer ${n}`, from: "hello@example.com" }
    : {
        amountMinor: 1000 + (n % 5000),
        currency: "EUR",
        paymentMethod: { stripe: `pm_${n}` },
        metadata: { order: `order-${n}` },
      };
}

function logOf(way: Way, at: number): readonly string[] {
  return way.codes.map(
    ([provider, kind, code]) =>
      `${new Date(at).toISOString()} attempt 1 ${provider} ✗ ${kind} ${code} in 120 ms`,
  );
}

export const benchJobs = [welcomeEmail, chargeCard] as const;
