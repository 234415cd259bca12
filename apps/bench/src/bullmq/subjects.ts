import type { AnyJob } from "@understudy/core";
import { syncAnalytics, welcomeEmail } from "@understudy/jobs";

/** What the measured jobs are about. Both systems have the same payloads, of 325 bytes of JSON, numbered. */
export interface Subject {
  readonly job: AnyJob;
  readonly payloadOf: (n: number) => unknown;
}

const DIGITS = 8;
const local = "somebody-with-quite-a-long-name-";

const padded = (n: number): string => String(n).padStart(DIGITS, "0");

/** What most of it is measured with. */
export const mail: Subject = {
  job: welcomeEmail,
  payloadOf: (n) => ({
    to: `${local}${padded(n)}@customers.example.com`,
    name: `Ada ${"x".repeat(191)}`,
    from: "hello@the-shop-of-all-shops.example.com",
  }),
};

/** Which mail it is, by its recipient. */
export function numberOfMail(to: string): number {
  return Number(to.slice(local.length, local.length + DIGITS));
}

const at = "2026-11-24T12:00:00.000Z";

/** What providers that speak plain JSON take. */
export const event: Subject = {
  job: syncAnalytics,
  payloadOf: (n) => ({
    anonymousId: "1234567890.1234567890",
    events: [
      {
        id: `event-${padded(n)}`,
        name: "Order placed",
        at,
        properties: { coupon: "x".repeat(90), affiliation: "y".repeat(46), currency: "EUR" },
      },
    ],
  }),
};

/** Which event it is, by what was sent of it. @returns NaN when there is none in it */
export function numberOfEvent(text: string): number {
  const start = text.indexOf("event-");
  return start === -1 ? Number.NaN : Number(text.slice(start + 6, start + 6 + DIGITS));
}

/** Counts what was done to each of so many. */
export class Tally {
  readonly #times: Uint8Array;

  constructor(count: number) {
    this.#times = new Uint8Array(count);
  }

  count(n: number): void {
    this.#times[n] = (this.#times[n] ?? 0) + 1;
  }

  /** One line for all that were not done exactly once. */
  problems(): readonly string[] {
    const wrong = this.#times.reduce((sum, times) => sum + Number(times !== 1), 0);
    return wrong === 0 ? [] : [`${wrong} of ${this.#times.length} jobs were not done exactly once`];
  }
}
