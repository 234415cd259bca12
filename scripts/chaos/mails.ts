import { type Client, EnqueueError } from "@understudy/client";
import { welcomeEmail } from "@understudy/jobs";
import { jobIdOf } from "@understudy/queue";

import type { Sent } from "../tour/stream.ts";

const CHUNK = 20;

interface Hooks {
  /** Awaited before each handful. @param sent how many were enqueued so far */
  readonly before?: (sent: number) => Promise<void>;
  /** Told when Redis did not acknowledge one. */
  readonly refused?: () => void;
}

/** The mails of one scenario, as Redis knows them. */
export function mailsOf(total: number): readonly Sent[] {
  const { name: job, queue } = welcomeEmail;
  return Array.from({ length: total }, (_, n) => ({ id: jobIdOf(job, keyOf(n)), job, queue }));
}

/** Enqueues them all. What Redis did not acknowledge is enqueued again under the keys that the error carries. */
export async function enqueueAll(
  client: Client,
  total: number,
  { before, refused }: Hooks = {},
): Promise<void> {
  for (let sent = 0; sent < total; sent += CHUNK) {
    await before?.(sent);
    const numbers = Array.from({ length: Math.min(CHUNK, total - sent) }, (_, n) => sent + n);
    await enqueueSome(client, numbers, refused);
  }
}

async function enqueueSome(client: Client, numbers: readonly number[], refused?: () => void): Promise<void> {
  const payloads = numbers.map((n) => ({ to: `customer-${n}@example.com`, name: `Customer ${n}` }));
  for (let keys: readonly string[] = numbers.map(keyOf); ;) {
    try {
      const answers = await client.enqueueMany(welcomeEmail, payloads, {
        idempotencyKey: (_, index) => keys[index] ?? "",
      });
      const conflict = answers.find(({ status }) => status === "conflict");
      if (conflict !== undefined) throw new Error(`${conflict.id} is in conflict with itself`);
      return;
    } catch (error) {
      if (!(error instanceof EnqueueError && error.code === "redis_unreachable")) throw error;
      keys = error.idempotencyKeys;
      refused?.();
    }
  }
}

function keyOf(n: number): string {
  return `mail-${n}`;
}
