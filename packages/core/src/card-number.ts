import * as z from "zod";

/** Groups of digits, however people write a card's number. */
const groupsOfDigits = /\d+(?:[\s.:\-–—/_]{1,3}\d+)*/gu;
const separators = /[\s.:\-–—/_]+/u;

/**
 * How the numbers of the card networks begin, and how many digits they have (ISO/IEC 7812): an order's number passes the check
 * digit one time in ten, but seldom looks like this.
 */
const networks: readonly RegExp[] = [
  /^4(?:\d{12}|\d{15}|\d{18})$/u,
  /^(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}$/u,
  /^3[47]\d{13}$/u,
  /^3(?:0[0-5]|[689]\d)\d{11}$/u,
  /^(?:6011|65\d{2}|64[4-9]\d)\d{12,15}$/u,
  /^35(?:2[89]|[3-8]\d)\d{12,15}$/u,
  /^62\d{14,17}$/u,
  /^(?:5[0678]\d{2}|6(?:304|39\d|7\d{2}))\d{8,15}$/u,
];

const MAX_DIGITS = 19;

/** Digits of a UUID are by chance: one of some two thousand would be taken for a card. */
const uuids = /\b(?=[\d-]*[a-f])[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/giu;

/** Whether the text holds what is very probably the number of a payment card. */
export function holdsCardNumber(text: string): boolean {
  return [...text.replaceAll(uuids, "uuid").matchAll(groupsOfDigits)].some(([run]) =>
    isInRun(run.split(separators)),
  );
}

/** Beside the number there may stand a date or a code: any neighbouring groups may be it. */
function isInRun(groups: readonly string[]): boolean {
  return groups.some((_, start) => {
    let digits = "";
    for (const group of groups.slice(start)) {
      digits += group;
      if (digits.length > MAX_DIGITS) return false;
      if (isCardNumber(digits)) return true;
    }
    return false;
  });
}

function isCardNumber(digits: string): boolean {
  return networks.some((network) => network.test(digits)) && hasCheckDigit(digits);
}

/** Luhn (ISO/IEC 7812-1, annex B). */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (const [index, digit] of Array.from(digits, Number).toReversed().entries()) {
    const doubled = digit * (index % 2 === 0 ? 1 : 2);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

export const CARD_NUMBER_REFUSED =
  "holds what looks like a card number, which must not be stored here: give the provider's token instead";

/** Text in which no card number may stand. */
export function cardless(text: z.ZodString): z.ZodString {
  return text.refine((value) => !holdsCardNumber(value), CARD_NUMBER_REFUSED);
}
