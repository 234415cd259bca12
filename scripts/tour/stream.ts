import { setTimeout as sleep } from "node:timers/promises";

import type { Client, Enqueued } from "@understudy/client";
import { passwordReset, sendEmail, welcomeEmail } from "@understudy/jobs";

/** One e-mail of the tour, as it was enqueued. */
export interface Sent {
  readonly id: string;
  readonly job: string;
}

interface StreamOptions {
  readonly client: Client;
  /** Keeps the ids of one tour apart from those of the last. */
  readonly run: string;
  readonly total: number;
  readonly perSecond: number;
  readonly signal: AbortSignal;
  readonly onSent: (sent: Sent) => void;
}

/** Every so many mails one goes to an address that no provider takes. */
const BAD_EVERY = 60;

/** Enqueues a steady stream of mixed e-mails. Ends early, without an error, when the signal aborts. */
export async function stream(options: StreamOptions): Promise<void> {
  const startedAt = Date.now();
  for (let n = 0; n < options.total && !options.signal.aborted; n += 1) {
    const dueMs = startedAt + (n * 1000) / options.perSecond - Date.now();
    if (dueMs > 0) await sleep(dueMs, undefined, { signal: options.signal }).catch(() => undefined);
    const { id, job } = await enqueue(options.client, n, `${options.run}-${n}`);
    options.onSent({ id, job });
  }
}

async function enqueue(
  client: Client,
  n: number,
  idempotencyKey: string,
): Promise<Enqueued & { readonly job: string }> {
  const domain = n % BAD_EVERY === BAD_EVERY / 2 ? "rejected.example" : "example.com";
  const to = `customer-${n}@${domain}`;
  const key = { idempotencyKey };
  if (n % 6 === 4) {
    return {
      job: passwordReset.name,
      ...(await client.enqueue(passwordReset, { to, resetUrl: `https://example.com/reset/${n}` }, key)),
    };
  }
  if (n % 6 === 1) {
    const mail = {
      from: "news@example.com",
      to: [to],
      subject: `Invoice ${n}`,
      text: `Invoice ${n} is ready.`,
    };
    return { job: sendEmail.name, ...(await client.enqueue(sendEmail, mail, key)) };
  }
  return {
    job: welcomeEmail.name,
    ...(await client.enqueue(welcomeEmail, { to, name: `Customer ${n}` }, key)),
  };
}
