import { defineCapability, defineJob } from "@understudy/core";
import * as z from "zod";

/** How a job of the scenario is to die. */
export const waysToDie = ["thrown", "rejected", "killed", "memory", "unparseable"] as const;
export type Way = (typeof waysToDie)[number];

export const QUEUE = "deaths";

const request = z.object({ way: z.enum(waysToDie) });

export const dying = defineCapability({
  name: "chaos.die",
  request,
  receipt: z.object({}),
  duplicates: "tolerated",
});

/** Dies of its own fault, at its first or second attempt. */
export const dieJob = defineJob({
  name: "die",
  queue: QUEUE,
  payload: request,
  capability: dying,
  toRequest: (payload) => payload,
  retry: { attempts: 2, baseMs: 10, maxMs: 50 },
});

/** Takes its worker with it, until BullMQ gives it up. */
export const killJob = defineJob({
  ...dieJob,
  name: "kill",
  retry: { attempts: 100, baseMs: 10, maxMs: 50 },
  maxPossibleCopies: 1000,
});

export const deathJobs = [dieJob, killJob] as const;
