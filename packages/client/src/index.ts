export type { CancelAnswer } from "./cancel.ts";
export type { Enqueued } from "./answers.ts";
export { type Client, type ClientOptions, createClient } from "./client.ts";
export { EnqueueError } from "./enqueue-error.ts";
export type { EnqueueOptions, ManyOptions } from "./options.ts";
export type { Routes } from "./providers.ts";
export type { ScheduleOptions } from "./schedule.ts";
export type { JobStatus } from "./status.ts";
