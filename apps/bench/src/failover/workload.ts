import type { ChargeRequest } from "@understudy/core";
import { jobIdOf } from "@understudy/queue";

export const chargeRoute = ["stripe", "square"] as const;
export const mailRoute = ["sendgrid", "mailgun"] as const;

export type Kind = "charge" | "mail";

/** Ids and contents of the bench's jobs, by number: the same for every system. */
export const idOf: Readonly<Record<Kind, (n: number) => string>> = {
  charge: (n) => jobIdOf("charge-card", keyOf(n)),
  mail: (n) => jobIdOf("welcome-email", keyOf(n)),
};

export function keyOf(n: number): string {
  return `order-${n}`;
}

/** Every so many a card that is declined: an answer, and no effect. */
const DECLINED_EVERY = 50;

export function isDeclined(n: number): boolean {
  return n % DECLINED_EVERY === DECLINED_EVERY - 1;
}

export function chargeOf(n: number): ChargeRequest {
  const token = isDeclined(n) ? "token-declined" : "token-good";
  return {
    amountMinor: 1000 + n,
    currency: "EUR",
    paymentMethod: Object.fromEntries(chargeRoute.map((provider) => [provider, `${token}-${provider}`])),
  };
}

export function mailOf(n: number): { readonly to: string; readonly name: string } {
  return { to: `customer-${n}@example.com`, name: `Customer ${n}` };
}

/** The numbers in handfuls. */
export function* handfuls(total: number, size = 100): Generator<readonly number[]> {
  for (let start = 0; start < total; start += size)
    yield Array.from({ length: Math.min(size, total - start) }, (_, i) => start + i);
}
