import type { AnyJob } from "@understudy/core";

/** Whether the effect of jobs of this queue must not happen twice; of a queue that nobody here knows, it may be so. */
export function isMoneyQueue(jobs: readonly AnyJob[], queue: string): boolean {
  const own = jobs.filter((job) => job.queue === queue);
  return own.length === 0 || own.some(isMoneyJob);
}

function isMoneyJob({ capability }: AnyJob): boolean {
  return (capability as { readonly duplicates: string }).duplicates === "forbidden";
}
