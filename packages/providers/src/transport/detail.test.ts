import * as fc from "fast-check";
import { expect, test } from "vitest";

import { detailOf } from "./detail.ts";

test("secrets, addresses and the request's own words are taken out", () => {
  const request = {
    to: [{ email: "ada@example.org", name: "Ada King" }],
    text: "Dear Ada King,\nyour code is 4711",
  };
  const words = "to: Ada King <ada@example.org> (key SG.secret)\n said 'your code is 4711'";
  expect(detailOf(words, { secrets: ["SG.secret", ""], request })).toBe(
    "to: <payload> <<address>> (key <secret>) said '<payload>'",
  );
});

test("no secret and no address survives, and the length is bounded", () => {
  const secret = fc
    .string({ minLength: 8 })
    .filter((text) => !/\s/u.test(text) && !"<secret><address>".includes(text));
  fc.assert(
    fc.property(fc.string(), secret, fc.string({ maxLength: 2000 }), (before, key, after) => {
      const detail = detailOf(`${before} ${key} ada@example.org ${after}`, {
        secrets: [key],
        request: undefined,
      });
      expect(detail.includes(key) || detail.includes("ada@example.org")).toBe(false);
      expect(detail.length).toBeLessThanOrEqual(300);
    }),
  );
});
