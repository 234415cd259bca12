import type { AnswerHeaders } from "./transport.ts";

const second = 1000;
const day = 24 * 3600 * second;

/** Longer waits are epoch times, not durations: nobody asks to wait for three years. */
const firstEpochSeconds = 1e8;
const firstEpochMs = 1e11;

/**
 * Milliseconds after which the vendor wants to be asked again, within [0, 24 h]; undefined when it does not say or says
 * nonsense. Read in this order: `Retry-After` (seconds or an HTTP date), `X-RateLimit-Reset` (epoch seconds, or seconds to
 * wait), and the words "try again after 120 seconds" in the body.
 */
export function retryAfterMs(headers: AnswerHeaders, body: string, now: number): number | undefined {
  const ms =
    fromRetryAfter(first(headers["retry-after"]), now) ??
    fromReset(first(headers["x-ratelimit-reset"] ?? headers["x-rate-limit-reset"]), now) ??
    fromWords(body);
  return ms === undefined ? undefined : Math.min(Math.max(Math.ceil(ms), 0), day);
}

export function first(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.trim();
}

function fromRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const seconds = number(value);
  if (seconds !== undefined) return seconds * second;
  // Date.parse alone takes almost anything, "-5" included.
  if (!/^[A-Z][a-z]+,? .*(?:GMT|UTC|[+-]0000)$/u.test(value)) return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at - now;
}

/** A moment in epoch seconds or milliseconds, or seconds to wait. */
export function fromReset(value: string | undefined, now: number): number | undefined {
  const reset = value === undefined ? undefined : number(value);
  if (reset === undefined) return undefined;
  if (reset >= firstEpochMs) return reset - now;
  if (reset >= firstEpochSeconds) return reset * second - now;
  return reset * second;
}

const units: Readonly<Record<string, number>> = {
  second,
  minute: 60 * second,
  hour: 3600 * second,
};

function fromWords(body: string): number | undefined {
  const match = /\b(?:try|retry)(?: again)? (?:after|in) (\d{1,9}) ?(second|minute|hour)s?\b/iu.exec(
    body.slice(0, 4096),
  );
  const [, count, unit] = match ?? [];
  return count === undefined || unit === undefined
    ? undefined
    : Number(count) * (units[unit.toLowerCase()] ?? second);
}

function number(value: string): number | undefined {
  return /^\d{1,15}(?:\.\d{1,9})?$/u.test(value) ? Number(value) : undefined;
}
