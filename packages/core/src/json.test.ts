import * as fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";

import { json } from "./json.ts";

const foreign = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true });

test("takes what JSON can say, and leaves it as it is", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(json.parse(value)).toBe(value);
    }),
  );
});

test("says of anything what z.json says", () => {
  fc.assert(
    fc.property(foreign, (value) => {
      expect(json.safeParse(value).success).toBe(z.json().safeParse(value).success);
    }),
    { numRuns: 1000 },
  );
});

test("refuses what holds itself, and what is too deep", () => {
  const ring: unknown[] = [];
  ring.push(ring);
  expect(json.safeParse(ring).error?.issues).toMatchObject([
    { message: "must be JSON, at most 100 levels deep" },
  ]);
  let deep: unknown = 1;
  for (let n = 0; n < 100; n += 1) deep = [deep];
  expect([json.safeParse(deep).success, json.safeParse([deep]).success]).toEqual([true, false]);
});
