import { minorDigits } from "@understudy/core";

/**
 * Where Stripe's unit is not the ISO minor unit: https://docs.stripe.com/currencies#special-cases. The number is how many of
 * Stripe's make one of ISO's: MGA has no decimals there, ISK and UGX have two that must be zero.
 */
const unitsPerMinor: ReadonlyMap<string, number> = new Map([
  ["MGA", 0.01],
  ["ISK", 100],
  ["UGX", 100],
]);

/** ISO currencies that Stripe does not list: https://docs.stripe.com/currencies#presentment-currencies */
const unlisted = new Set("BTN CUP ERN IQD IRR KPW LYD SDG SSP SVC SYP TMT VES ZWG".split(" "));

/** 1050 EUR -> 1050, 500 ISK -> 50000, 50000 MGA (500.00) -> 500. Undefined for what Stripe cannot take. */
export function unitsOf(amountMinor: number, currency: string): number | undefined {
  if (unlisted.has(currency)) return undefined;
  const units = amountMinor * (unitsPerMinor.get(currency) ?? 1);
  // "The least-significant (last) digit must be 0" of what has three decimals.
  if (minorDigits(currency) === 3 && units % 10 !== 0) return undefined;
  return Number.isInteger(units) ? units : undefined;
}

/** The other way round. */
export function minorOf(units: number, currency: string): number {
  return Math.round(units / (unitsPerMinor.get(currency) ?? 1));
}
