import type { Found } from "@understudy/dead-letters";
import { openDeadLetters, readLetter } from "@understudy/dead-letters";
import { knownFamilies, locate, readFailed, type Redis } from "@understudy/queue";

/** A dead letter by its id alone; a job that has failed and that nobody has moved yet is made one. */
export async function findLetter(
  redis: Redis,
  namespace: string | undefined,
  id: string,
): Promise<Found | undefined> {
  for (const family of await knownFamilies(redis, namespace)) {
    const { place } = await locate(redis, family, id);
    if (place === "failed") await openDeadLetters(redis, family).take(id);
    if (place !== "failed" && place !== "dead") continue;
    const job = await readFailed(redis, family, "dead", id);
    if (job === undefined) continue;
    const stored = readLetter(job.data);
    return {
      entry: { family, id, diedAt: Number(job.finishedOn) },
      stored: stored && { id, job, ...stored },
    };
  }
  return undefined;
}
