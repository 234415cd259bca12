import { expect, test } from "vitest";

import { problemWith } from "./name.ts";

const existing = ["welcome-email", "smtp"];

test.each(["order-shipped", "postmark", "mail2", "a-1"])("%s can be taken", (name) => {
  expect(problemWith(name, existing)).toBeUndefined();
});

test.each([
  ["OrderShipped", "must be kebab-case"],
  ["order_shipped", "must be kebab-case"],
  ["order--shipped", "must be kebab-case"],
  ["../escape", "must be kebab-case"],
  ["2go", "must be kebab-case"],
  ["", "must be kebab-case"],
  ["a".repeat(41), "longer than 40"],
  ["smtp", "exists already. There are: welcome-email, smtp."],
  ["delete", "meaning of its own"],
  ["define-job", "meaning of its own"],
  ["unknown", "meaning of its own"],
])("%j is refused: %s", (name, words) => {
  expect(problemWith(name, existing)).toContain(words);
});

test("two names that are one in the code are refused", () => {
  expect(problemWith("a1", ["a-1"])).toContain('the same name in the code as "a-1"');
});
