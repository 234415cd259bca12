import type * as z from "zod";

/**
 * Every error this platform throws on purpose has one of these codes. Each has its line in docs/errors.md; a test checks
 * that the two lists agree.
 */
export const errorCodes = [
  "job_invalid",
  "payload_invalid",
  "payload_too_large",
  "option_invalid",
  "key_required",
  "not_permitted",
  "redis_unreachable",
  "redis_refused",
  "client_closed",
  "config_invalid",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Says what, which one, and what to do; never a secret, never a payload. */
export class UnderstudyError extends Error {
  override readonly name: string = "UnderstudyError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What was caught, which may be anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Names the paths that are wrong and how, never the values that stood there. */
export function describeIssues(error: z.ZodError): string {
  return (
    error.issues
      .slice(0, 10)
      .map((issue) => `${issue.path.length === 0 ? "(whole)" : issue.path.join(".")}: ${issue.message}`)
      .join("; ")
      // A name that somebody made up may be a card's or an account's number.
      .replaceAll(/\d(?:[\s.\-–—/_]{0,3}\d){8,}/gu, "…")
  );
}
