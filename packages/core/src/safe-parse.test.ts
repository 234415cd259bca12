import * as fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";

import { safeParse } from "./safe-parse.ts";

const schema = z
  .strictObject({
    to: z.email(),
    name: z.string().min(1).default("you"),
    tags: z.array(z.string()).max(2).optional(),
    price: z.union([z.int(), z.string().transform(Number)]).optional(),
  })
  .refine(({ name }) => name !== "nobody", "must be somebody");

const value = fc.record(
  {
    to: fc.oneof(fc.constant("ada@example.com"), fc.string()),
    name: fc.oneof(fc.constantFrom("nobody", "Ada"), fc.string(), fc.nat()),
    tags: fc.array(fc.oneof(fc.string(), fc.nat()), { maxLength: 3 }),
    price: fc.oneof(fc.nat(), fc.double(), fc.constant("7"), fc.boolean()),
    more: fc.anything(),
  },
  { requiredKeys: [] },
);

test("answers as the schema itself does, errors included", () => {
  fc.assert(
    fc.property(fc.oneof(value, fc.anything()), (one) => {
      const ours = safeParse(schema, one);
      const own = schema.safeParse(one);
      expect([ours.success, ours.data, ours.error?.issues]).toEqual([
        own.success,
        own.data,
        own.error?.issues,
      ]);
    }),
  );
  expect(safeParse(schema, { to: "ada@example.com" })).toEqual({
    success: true,
    data: { to: "ada@example.com", name: "you" },
  });
});

test("takes a transform that the compiled form gives something else to", () => {
  const loose = z.string().transform((text, context) => {
    // As one that has taken it out of the context does.
    if (text !== "good") context.addIssue.call(undefined, "is bad");
    return text;
  });
  expect(safeParse(loose, "good")).toEqual({ success: true, data: "good" });
  expect(safeParse(loose, "bad").error?.issues).toMatchObject([{ message: "is bad" }]);
});

test("takes schemas that have no quicker form", () => {
  expect(safeParse(z.json(), { a: [1, null] }).success).toBe(true);
  expect(safeParse(z.json(), { a: () => 1 }).success).toBe(false);
});
