import { describe, expect, test } from "vitest";

import { veilJob } from "./veil.ts";

const jobs = [{ name: "note", sensitive: ["to", "card.number"] }];
const payload = { to: "ada@example.com", topic: "news", card: { number: "4111-secret", brand: "visa" } };
const envelope = { v: 1, payload, trail: [{ detail: "no mailbox ada@example.com" }] };
const more = {
  failedReason: "refused ada@example.com",
  stacktrace: ["at ada@example.com"],
  opts: { note: "4111-secret" },
};

describe.each([
  ["a job", envelope],
  ["a dead letter", { deadLetter: { reason: "refused ada@example.com" }, payload: envelope }],
])("%s", (_, data) => {
  const shown = veilJob({ id: "note-1", name: "note", data, ...more }, jobs);

  test("shows what is not sensitive", () => {
    const text = JSON.stringify(shown);
    for (const words of ["news", "visa", "note-1", "no mailbox", "refused"]) expect(text).toContain(words);
  });

  test("hides what is, wherever it turns up", () => {
    const text = JSON.stringify(shown);
    for (const secret of ["ada@example.com", "4111-secret"]) expect(text).not.toContain(secret);
  });
});

test.each([
  ["of a job that nobody knows", { id: "x", name: "strange", data: envelope, ...more }],
  ["that is no envelope", { id: "x", name: "strange", data: payload, ...more }],
  [
    "that could not be parsed",
    { id: "x", name: "strange", data: { deadLetter: {}, raw: '{"to":"ada@example.com' } },
  ],
])("data %s is hidden as a whole", (_, job) => {
  const text = JSON.stringify(veilJob(job, jobs));
  for (const secret of ["ada@example.com", "visa", "news"]) expect(text).not.toContain(secret);
});
