import { openProducer, produce } from "./samples/producer.ts";
import type { Stage } from "./stage.ts";
import type { Subject } from "./subjects.ts";
import type { Load, System } from "./types.ts";

interface Filling {
  readonly system: System;
  readonly namespace: string;
  readonly load?: Load;
  readonly subject?: Subject;
  readonly count: number;
}

/** Puts jobs in before the clock starts, as quickly as the system lets us. */
export async function fill(
  stage: Stage,
  { load = "plain", subject, count, ...where }: Filling,
): Promise<void> {
  const producer = await openProducer({ ...where, redis: stage.url }, load, subject);
  try {
    await produce(producer, { callers: 4, bulk: 500 }, 0, count);
  } finally {
    await producer.close();
  }
}
