import * as z from "zod";

/** ISO 4217, the currencies that people pay with (https://www.iso.org/iso-4217-currency-codes.html), by their minor units. */
const codesByDigits: Readonly<Record<number, string>> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
  2: `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
    CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS
    KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
    PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
    TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG`,
  3: "BHD IQD JOD KWD LYD OMR TND",
};

const digitsByCode: ReadonlyMap<string, number> = new Map(
  Object.entries(codesByDigits).flatMap(([digits, codes]) =>
    codes.split(/\s+/u).map((code) => [code, Number(digits)] as const),
  ),
);

export const currency: z.ZodString = z
  .string()
  .refine((code) => digitsByCode.has(code), "must be an ISO 4217 code in capitals, such as EUR");

/** More than any card is charged, and far below where doubles lose whole numbers. */
const MAX_MINOR = 1_000_000_000_000;

/** A whole number of the currency's minor units: 1050 of EUR is 10.50 €, of JPY 1050 ¥, of KWD 1.050 KD. */
export const amountMinor: z.ZodNumber = z
  .int("must be whole minor units: 1050 for 10.50 EUR, 1050 for 1050 JPY")
  .positive("must be above 0")
  .max(MAX_MINOR);

/** How many decimal places the currency's minor unit stands for. @throws RangeError for what is no currency */
export function minorDigits(code: string): number {
  const digits = digitsByCode.get(code);
  if (digits === undefined) throw new RangeError(`${code} is no ISO 4217 currency`);
  return digits;
}

/** 1050 EUR -> "10.50", 1050 JPY -> "1050", 1050 KWD -> "1.050". */
export function decimalAmount(minor: number, code: string): string {
  const digits = minorDigits(code);
  if (digits === 0) return String(minor);
  const padded = String(minor).padStart(digits + 1, "0");
  return `${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
}

/** "10.50" EUR -> 1050. Undefined for what is no such amount. */
export function minorAmount(decimal: string, code: string): number | undefined {
  const digits = minorDigits(code);
  const [, whole = "", fraction = ""] = /^(\d{1,15})(?:\.(\d{1,4}))?$/u.exec(decimal) ?? [];
  const minor = Number(`${whole}${fraction.slice(0, digits).padEnd(digits, "0")}`);
  return whole === "" || Number(fraction.slice(digits)) > 0 ? undefined : minor;
}
