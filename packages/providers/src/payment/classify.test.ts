import { expect, test } from "vitest";

import { paymentFailureOf } from "./classify.ts";

const { signal } = new AbortController();
const failureOf = (status: number, body: string, words?: string) =>
  paymentFailureOf(
    { requests: 1, reply: { at: "answered", status, headers: {}, body: Buffer.from(body) } },
    signal,
    () => (words === undefined ? undefined : { words }),
  );

test.each([401, 403, 429])("%d in somebody else's words may stand for a charge", (status) => {
  expect(failureOf(status, "<html>Blocked</html>")).toMatchObject({
    kind: "ambiguous",
    code: "malformed_answer",
  });
});

test.each([
  [401, "unavailable", "unauthorized"],
  [403, "unavailable", "forbidden"],
  [429, "throttled", "rate_limited"],
] as const)("%d in the vendor's, or in none, does not", (status, kind, code) => {
  expect(failureOf(status, "{}", "Bad key.")).toMatchObject({ kind, code });
  expect(failureOf(status, "")).toMatchObject({ kind, code });
});
