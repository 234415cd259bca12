import type { Family, Fetched, Producer, Redis } from "@understudy/queue";

import type { Catalogue } from "./catalogue.ts";
import type { Observe } from "./events.ts";
import type { RunSpan } from "./tracing.ts";

/** What every run of a queue's jobs shares. */
export interface RunContext {
  readonly redis: Redis;
  /** For the parts of a job that was delivered in part. */
  readonly producer: Producer;
  readonly family: Family;
  readonly catalogue: Catalogue;
  readonly observe: Observe;
  readonly now: () => number;
  readonly random: () => number;
}

/** One run of one job. */
export interface Run extends RunContext {
  readonly fetched: Fetched;
  /** Aborts when the worker must stop or has lost the job's lock. */
  readonly signal: AbortSignal;
  /** Where an OpenTelemetry SDK is registered. */
  readonly span: RunSpan | undefined;
}
