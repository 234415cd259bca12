import { expect, test } from "vitest";

import { holdsCardNumber } from "./card-number.ts";

// Numbers that the networks publish for tests.
test.each([
  "4242424242424242",
  "4242 4242 4242 4242",
  "4242-4242-4242-4242",
  "4242:4242:4242:4242",
  "card 5555555555554444, thanks",
  "378282246310005",
  "6011111111111117",
  "3566002020360505",
  "30569309025904",
  "6200000000000005",
  "2223003122003222",
  "order 7: 4000056655665556.",
  "4242424242424242 12/27 123",
  "2 4111 1111 1111 1111",
  "378282246310005 1234",
  "4111.1111.1111.1111",
  "4111 – 1111 – 1111 – 1111",
  "4111\u00A01111\u00A01111\u00A01111",
  "card4111111111111111x",
  "0000a000-0000-4000-8000-4111111111111111",
  "42424242-4242-4242-0000-000000000000",
])("%j holds a card number", (text) => {
  expect(holdsCardNumber(text)).toBe(true);
});

test.each([
  ["a wrong check digit", "4242424242424241"],
  ["a time in milliseconds", "1732426400000"],
  ["an order's number", "Order 1234567890123456"],
  ["a part of a longer number", "42424242424242420000000"],
  ["a date and a time", "2026-11-24 05:00:00.000"],
  ["an id", "pm_1N4aGhLkdIwHu7ixvR"],
  ["a telephone number", "+49 30 901820"],
  ["a UUID whose digits happen to be a card's", "4242a242-4242-4242-8242-424242424242"],
  ["nothing", ""],
])("%s is none: %j", (_, text) => {
  expect(holdsCardNumber(text)).toBe(false);
});
