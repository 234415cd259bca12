import { setTimeout as sleep } from "node:timers/promises";

import type { Client } from "@understudy/client";
import { passwordReset, sendEmail, welcomeEmail } from "@understudy/jobs";
import { jobIdOf } from "@understudy/queue";

/** One e-mail of the tour. */
export interface Mail {
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
  /** Called just before a mail is enqueued: a worker may be faster than the answer. */
  readonly onMail: (mail: Mail) => void;
}

/** Every so many mails one goes to an address that no provider takes. */
const BAD_EVERY = 60;

/** Enqueues a steady stream of mixed e-mails. Ends early, without an error, when the signal aborts. */
export async function stream(options: StreamOptions): Promise<void> {
  const { client, run, total, perSecond, signal, onMail } = options;
  const startedAt = Date.now();
  for (let n = 0; n < total && !signal.aborted; n += 1) {
    const dueMs = startedAt + (n * 1000) / perSecond - Date.now();
    if (dueMs > 0) await sleep(dueMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const idempotencyKey = `${run}-${n}`;
    const job = jobOf(n);
    onMail({ id: jobIdOf(job.name, idempotencyKey), job: job.name });
    await enqueue(client, n, { idempotencyKey });
  }
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
