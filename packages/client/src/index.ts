export type { CancelAnswer } from "./cancel.ts";
export { type Client, type ClientOptions, createClient, type Enqueued } from "./client.ts";
export { EnqueueError } from "./enqueue-error.ts";
export type { EnqueueOptions, ManyOptions } from "./options.ts";
export type { ScheduleOptions } from "./schedule.ts";
export type { JobStatus } from "./status.ts";
