import { type AnyJob, CARD_NUMBER_REFUSED, holdsCardNumber, type PayloadOf } from "@understudy/core";

import type { ClientOptions } from "./client.ts";
import { EnqueueError } from "./enqueue-error.ts";

export interface EnqueueOptions {
  /** Two enqueues of one job with one key are one job. Made by chance when absent. */
  readonly idempotencyKey?: string;
  /** Milliseconds before the job is due. */
  readonly delayMs?: number;
  /** 1 is the most urgent, 2,097,152 the least; jobs without a priority go before those with one. */
  readonly priority?: number;
  /** Only these providers may serve the job; where they are sinks, these instead of all. */
  readonly providers?: readonly string[];
  /**
   * When it should be done at the latest, a Date or epoch milliseconds. As it draws near, the healthiest provider is asked first
   * and retries come sooner. It is no expiry: what is late is still done.
   */
  readonly deliverBy?: Date | number;
}

/** Options of an enqueue; a job whose effect must not be doubled demands a key of its caller. */
export type OptionsFor<J extends AnyJob> = "forbidden" extends J["capability"]["duplicates"]
  ? J["capability"]["duplicates"] extends "forbidden"
    ? [options: EnqueueOptions & { readonly idempotencyKey: string }]
    : [options?: EnqueueOptions]
  : [options?: EnqueueOptions];

export interface ManyOptions<J extends AnyJob = AnyJob> extends Omit<EnqueueOptions, "idempotencyKey"> {
  readonly idempotencyKey?: (payload: PayloadOf<J>, index: number) => string;
}

const MAX_DELAY_MS = 10 * 365 * 86_400_000;
const MAX_PRIORITY = 2_097_152;
const MAX_KEY_LENGTH = 512;
const MAX_REASON_LENGTH = 500;
const MAX_DEADLINE_MS = 3_600_000;

/** @throws EnqueueError option_invalid, key_required */
export function checkOptions(
  what: string,
  job: AnyJob,
  { idempotencyKey, delayMs, priority, providers, deliverBy }: EnqueueOptions,
): void {
  const wrong = (problem: string): EnqueueError => new EnqueueError("option_invalid", `${what}: ${problem}`);
  const isMoney = job.capability.duplicates === "forbidden";
  if (idempotencyKey === undefined && isMoney) {
    throw new EnqueueError(
      "key_required",
      `${what}: ${job.capability.name} must not happen twice, so give an idempotencyKey that names this very one, such as the order's id.`,
    );
  }
  if (idempotencyKey !== undefined && !isKey(idempotencyKey)) {
    throw wrong(`idempotencyKey must be a string of 1 to ${MAX_KEY_LENGTH} characters.`);
  }
  if (isMoney && idempotencyKey !== undefined && holdsCardNumber(idempotencyKey)) {
    throw wrong(`idempotencyKey ${CARD_NUMBER_REFUSED}, or name the order.`);
  }
  if (delayMs !== undefined && !isIntegerIn(delayMs, 0, MAX_DELAY_MS))
    throw wrong("delayMs must be whole milliseconds from 0 to ten years.");
  if (priority !== undefined && !isIntegerIn(priority, 1, MAX_PRIORITY))
    throw wrong(`priority must be a whole number from 1 (most urgent) to ${MAX_PRIORITY}.`);
  if (providers !== undefined && !isListOfNames(providers))
    throw wrong('providers must be a list of one or more names, such as ["sendgrid"].');
  if (deliverBy !== undefined && !(Number(deliverBy) > Date.now() + (delayMs ?? 0)))
    throw wrong("deliverBy must be a Date or epoch milliseconds, after the job is due.");
}

/** @throws EnqueueError option_invalid */
export function checkReason(reason: unknown): void {
  const isGiven = typeof reason === "string" && reason.trim() !== "" && reason.length <= MAX_REASON_LENGTH;
  if (isGiven && holdsCardNumber(reason))
    throw new EnqueueError("option_invalid", `The reason ${CARD_NUMBER_REFUSED}, or leave it out.`);
  if (!isGiven)
    throw new EnqueueError(
      "option_invalid",
      `A reason must be given, in 1 to ${MAX_REASON_LENGTH} characters: it stands in the dead letter.`,
    );
}

/** @throws EnqueueError option_invalid */
export function checkClientOptions({
  deadlineMs = 1,
  maxPayloadBytes = 1,
  namespace = "any",
}: Pick<ClientOptions, "deadlineMs" | "maxPayloadBytes" | "namespace">): void {
  const wrong = (problem: string): EnqueueError =>
    new EnqueueError("option_invalid", `createClient: ${problem}`);
  if (!isIntegerIn(deadlineMs, 1, MAX_DEADLINE_MS))
    throw wrong(`deadlineMs must be whole milliseconds from 1 to ${MAX_DEADLINE_MS}.`);
  if (!isIntegerIn(maxPayloadBytes, 1, Number.MAX_SAFE_INTEGER))
    throw wrong("maxPayloadBytes must be a whole number above 0.");
  if (typeof namespace !== "string" || !/^[\w-]+$/u.test(namespace))
    throw wrong("namespace must be made of letters, digits, dashes and underscores.");
}

function isListOfNames(names: unknown): boolean {
  return (
    Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string" && name !== "")
  );
}

function isKey(key: unknown): boolean {
  return typeof key === "string" && key.length >= 1 && key.length <= MAX_KEY_LENGTH;
}

function isIntegerIn(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
