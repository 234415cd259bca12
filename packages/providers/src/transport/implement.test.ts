import type { emailSend } from "@understudy/core";
import { expect, test } from "vitest";

import { implement } from "./implement.ts";

test("an adapter that throws has an unknown effect, and never throws on", async () => {
  const adapter = implement<typeof emailSend>("acme", ["key-1"], () => Promise.reject(new Error("no key-1")));
  const call = { jobId: "j", idempotencyKey: "k", signal: new AbortController().signal };
  const request = { from: { email: "a@b.example" }, to: [{ email: "c@d.example" }], subject: "s", text: "t" };
  const before = Date.now();
  const outcome = await adapter(request, call);
  expect(outcome).toMatchObject({
    kind: "ambiguous",
    code: "adapter_threw",
    detail: "Error: no <secret>",
    provider: "acme",
  });
  expect(outcome.at).toBeGreaterThanOrEqual(before);
  expect(outcome.durationMs).toBeGreaterThanOrEqual(0);
});
