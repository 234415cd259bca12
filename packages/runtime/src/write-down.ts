import { asError, type Envelope } from "@understudy/core";
import { writeFenced } from "@understudy/queue";

import type { Run } from "./run.ts";

/**
 * Writes the envelope in the middle of a run; false when the job's lock is lost or Redis refused. Starts stay unsettled until
 * the run ends: if this worker dies after the write, the next one knows that it did.
 */
export async function writeDown(envelope: Envelope, run: Run): Promise<boolean> {
  const { redis, family, fetched, observe } = run;
  try {
    return await writeFenced(redis, family, fetched.id, fetched.token, JSON.stringify(envelope));
  } catch (error) {
    // Unwritten is unsent: the job waits.
    observe({ event: "trouble", queue: family.name, error: asError(error) });
    return false;
  }
}
