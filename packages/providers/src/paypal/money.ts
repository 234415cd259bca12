import { currency, decimalAmount, minorAmount } from "@understudy/core";
import * as z from "zod";

/** https://developer.paypal.com/api/rest/reference/currency-codes/ */
const currencies = new Set(
  "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD".split(
    " ",
  ),
);
/** "This currency does not support decimals", though ISO gives it two. */
const whole = new Set(["HUF", "TWD"]);

/** 1050 EUR -> "10.50", 100000 HUF (1000.00) -> "1000". Undefined for what PayPal cannot take. */
export function valueOf(amountMinor: number, code: string): string | undefined {
  if (!currencies.has(code)) return undefined;
  const value = decimalAmount(amountMinor, code);
  if (!whole.has(code)) return value;
  return value.endsWith(".00") ? value.slice(0, -3) : undefined;
}

/** As PayPal writes it, read into minor units; what leaves an account has a minus. */
export const money = z
  .object({ currency_code: currency, value: z.string() })
  .transform(({ currency_code, value }, context) => {
    const amountMinor = minorAmount(value.replace(/^-/u, ""), currency_code);
    if (amountMinor !== undefined) return { amountMinor, currency: currency_code };
    context.addIssue("no amount of this currency");
    return z.NEVER;
  });
