import { setTimeout as sleep } from "node:timers/promises";

import type { Client } from "@understudy/client";
import { chargeCard, passwordReset, sendEmail, syncAnalytics, welcomeEmail } from "@understudy/jobs";
import { jobIdOf } from "@understudy/queue";

import { routes } from "./routes.ts";

/** One job of the tour. */
export interface Sent {
  readonly id: string;
  readonly job: string;
  readonly queue: string;
}

interface StreamOptions {
  readonly client: Client;
  /** Keeps the ids of one tour apart from those of the last. */
  readonly run: string;
  /** How many mails. */
  readonly total: number;
  readonly perSecond: number;
  readonly signal: AbortSignal;
  /** Called just before a job is enqueued: a worker may be faster than the answer. */
  readonly onSent: (sent: Sent) => void;
}

/** Every so many mails one goes to an address that no provider takes. */
const BAD_EVERY = 60;
/** With every so many mails somebody is charged, and an event is told to the sinks. */
const ORDER_EVERY = 12;
/** Which of the charges is declined. */
export const DECLINED = 2;

/** Enqueues a steady stream of mixed e-mails, with an order now and then. Ends early, without an error, when the signal aborts. */
export async function stream(options: StreamOptions): Promise<void> {
  const { client, run, total, perSecond, signal, onSent } = options;
  const startedAt = Date.now();
  for (let n = 0; n < total && !signal.aborted; n += 1) {
    const dueMs = startedAt + (n * 1000) / perSecond - Date.now();
    if (dueMs > 0) await sleep(dueMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const idempotencyKey = `${run}-${n}`;
    const { name, queue } = jobOf(n);
    onSent({ id: jobIdOf(name, idempotencyKey), job: name, queue });
    await enqueue(client, n, { idempotencyKey });
    if (n % ORDER_EVERY === 0) await order(client, n / ORDER_EVERY, { idempotencyKey }, onSent);
  }
}

/** A charge, and an event of it. */
async function order(
  client: Client,
  n: number,
  key: { readonly idempotencyKey: string },
  onSent: StreamOptions["onSent"],
): Promise<void> {
  const token = n === DECLINED ? "token-declined" : "token-good";
  const { name: charge, queue } = chargeCard;
  onSent({ id: jobIdOf(charge, key.idempotencyKey), job: charge, queue });
  await client.enqueue(
    chargeCard,
    {
      amountMinor: 1000 + n,
      currency: "EUR",
      paymentMethod: Object.fromEntries(routes["payment.charge"].map((provider) => [provider, token])),
    },
    key,
  );
  for (const sink of routes["analytics.track"]) {
    const id = `${jobIdOf(syncAnalytics.name, key.idempotencyKey)}-${sink}`;
    onSent({ id, job: syncAnalytics.name, queue: syncAnalytics.queue });
  }
  const event = { id: key.idempotencyKey, name: "Order placed", at: new Date().toISOString() };
  await client.enqueue(syncAnalytics, { userId: `customer-${n}`, events: [event] }, key);
}

function jobOf(n: number): typeof passwordReset | typeof sendEmail | typeof welcomeEmail {
  if (n % 6 === 4) return passwordReset;
  return n % 6 === 1 ? sendEmail : welcomeEmail;
}

async function enqueue(client: Client, n: number, key: { readonly idempotencyKey: string }): Promise<void> {
  const domain = n % BAD_EVERY === BAD_EVERY / 2 ? "rejected.example" : "example.com";
  const to = `customer-${n}@${domain}`;
  switch (jobOf(n).name) {
    case "password-reset":
      await client.enqueue(passwordReset, { to, resetUrl: `https://example.com/reset/${n}` }, key);
      return;
    case "send-email": {
      const text = `Invoice ${n} is ready.`;
      await client.enqueue(
        sendEmail,
        { from: "news@example.com", to: [to], subject: `Invoice ${n}`, text },
        key,
      );
      return;
    }
    case "welcome-email":
      await client.enqueue(welcomeEmail, { to, name: `Customer ${n}` }, key);
  }
}
