import type { AnyJob } from "@understudy/core";
import { jobs } from "@understudy/jobs";

/** Of a job that this program does not know, it must be assumed. */
export function isMoney(jobName: string | undefined): boolean {
  const job: AnyJob | undefined = jobs.find(({ name }) => name === jobName);
  return job === undefined || job.capability.duplicates === "forbidden";
}
