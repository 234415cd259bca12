import { AsyncLocalStorage } from "node:async_hooks";

import type { Pace } from "@understudy/core";

import { first, fromReset } from "./retry-after.ts";
import type { AnswerHeaders } from "./transport.ts";

const second = 1000;
const day = 24 * 3600 * second;
const MOST_CALLS = 1e9;

/** What the vendor's last answer said of the account's pace. */
export interface Ear {
  pace?: Pace;
}

const ears = new AsyncLocalStorage<Ear>();

/** Runs what asks a vendor. */
export function hearing<Answer>(ear: Ear, ask: () => Promise<Answer>): Promise<Answer> {
  return ears.run(ear, ask);
}

/** Called with the head of every answer. */
export function tellPace(headers: AnswerHeaders): void {
  const ear = ears.getStore();
  const pace = ear === undefined ? undefined : paceIn(headers, Date.now());
  if (ear !== undefined && pace !== undefined) ear.pace = pace;
}

const spellings = ["ratelimit", "x-ratelimit", "x-rate-limit"].map((name) => ({
  remaining: `${name}-remaining`,
  reset: `${name}-reset`,
}));

/**
 * What is left of the account's limit; undefined when the vendor does not say or says nonsense. Read in this order: `RateLimit`
 * (https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/, also as it was up to draft 07), and
 * `RateLimit-Remaining`, `X-RateLimit-Remaining` or `X-Rate-Limit-Remaining` with the `-Reset` of the same name. Of several
 * policies the one that has least left counts.
 */
export function paceIn(headers: AnswerHeaders, now: number): Pace | undefined {
  const said = first(headers["ratelimit"]);
  if (said !== undefined) return said.includes("remaining=") ? ofOldDraft(said) : ofDraft(said);
  for (const { remaining: left, reset } of spellings) {
    const remaining = whole(first(headers[left]));
    if (remaining === undefined) continue;
    const resetsInMs = fromReset(first(headers[reset]), clockOf(headers, now));
    if (resetsInMs !== undefined) return sane(remaining, resetsInMs);
  }
  return undefined;
}

/** `"burst";r=50;t=30, "daily";r=900;t=4000` */
function ofDraft(said: string): Pace | undefined {
  const policies = said.split(",").flatMap((policy) => {
    const pace = sane(parameter(policy, "r"), seconds(parameter(policy, "t")));
    return pace === undefined ? [] : [pace];
  });
  return policies.toSorted((one, other) => one.remaining - other.remaining)[0];
}

/** `limit=100, remaining=50, reset=5` */
function ofOldDraft(said: string): Pace | undefined {
  return sane(parameter(said, "remaining"), seconds(parameter(said, "reset")));
}

function parameter(text: string, name: string): number | undefined {
  const [, value] = new RegExp(`(?:^|[;,\\s])${name}=(\\d{1,10})(?=$|[;,\\s])`, "u").exec(text) ?? [];
  return whole(value);
}

function seconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * second;
}

function sane(remaining: number | undefined, resetsInMs: number | undefined): Pace | undefined {
  if (remaining === undefined || resetsInMs === undefined) return undefined;
  if (remaining > MOST_CALLS || resetsInMs <= 0 || resetsInMs > day) return undefined;
  return { remaining, resetsInMs: Math.ceil(resetsInMs) };
}

function whole(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,10}$/u.test(value) ? Number(value) : undefined;
}

/** The vendor's own clock, where it tells it: moments that it names are of that. */
function clockOf(headers: AnswerHeaders, now: number): number {
  const date = Date.parse(first(headers["date"]) ?? "");
  return Number.isNaN(date) || Math.abs(date - now) > day ? now : date;
}
