import { type ErrorCode, UnderstudyError } from "@understudy/core";

import type { Enqueued } from "./answers.ts";

/** Why jobs were not, or not surely, enqueued. */
export class EnqueueError extends UnderstudyError {
  override readonly name: string = "EnqueueError";
  /** One a job, in order; enqueuing again with these can never double a job. Empty when nothing was sent. */
  readonly idempotencyKeys: readonly string[];
  /** The answers of jobs that were stored for sure; which they are say their keys. */
  readonly enqueued: readonly Enqueued[];

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & {
      readonly idempotencyKeys?: readonly string[];
      readonly enqueued?: readonly Enqueued[];
    } = {},
  ) {
    super(code, message, options);
    this.idempotencyKeys = options.idempotencyKeys ?? [];
    this.enqueued = options.enqueued ?? [];
  }

  /** The key of a single enqueue. */
  get idempotencyKey(): string | undefined {
    return this.idempotencyKeys[0];
  }

  static from(
    error: unknown,
    idempotencyKeys: readonly string[],
    enqueued: readonly Enqueued[],
  ): EnqueueError {
    if (!(error instanceof UnderstudyError)) throw error;
    return new EnqueueError(error.code, error.message, { cause: error.cause, idempotencyKeys, enqueued });
  }
}
