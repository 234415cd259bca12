import { expect, test } from "vitest";
import * as z from "zod";

import { failureOf, type Refusals } from "./classify.ts";

const refusals: Refusals = {
  body: z.object({ error: z.string() }),
  rules: [{ status: 409, kind: "rejected", code: "conflict" }],
};

function answered(status: number, body: string) {
  const reply = { at: "answered", status, headers: {}, body: Buffer.from(body) } as const;
  return failureOf({ requests: 1, reply }, new AbortController().signal, refusals);
}

test("the vendor's own refusal is believed, however long it is", () => {
  expect(answered(400, JSON.stringify({ error: "no".repeat(10_000) }))).toMatchObject({
    kind: "rejected",
    code: "http_400",
  });
  expect(answered(409, `{"error":"no"}`)).toMatchObject({ kind: "rejected", code: "conflict" });
});

test("a refusal in a body that is not the vendor's says nothing of the request", () => {
  const html = "<html><h1>400 Bad Request</h1><hr>nginx</html>";
  for (const body of [html, "", `{"message":"no"}`, `{"error":"n`])
    for (const status of [400, 409, 422])
      expect(answered(status, body)).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
});

test("what proves that nothing was done needs no body", () => {
  expect(answered(403, "")).toMatchObject({ kind: "unavailable", code: "forbidden" });
  expect(answered(429, "<html>")).toMatchObject({ kind: "throttled" });
});

test("an SDK that gives up while its request is under way does not know what became of it", () => {
  const threw = new Error("Request timed out.");
  const { signal } = new AbortController();
  expect(failureOf({ requests: 1, threw }, signal, refusals)).toMatchObject({ kind: "ambiguous" });
  expect(failureOf({ requests: 0, threw }, signal, refusals)).toMatchObject({ code: "request_unbuildable" });
});
