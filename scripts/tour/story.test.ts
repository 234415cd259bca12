import { expect, test } from "vitest";

import { createStory } from "./story.ts";

const call = { event: "call", jobId: "c-1", provider: "stripe" } as const;
const settled = { event: "settled", jobId: "c-1", verdict: "complete" } as const;

test("a charge of unknown fate is told once, and so is its end", () => {
  const story = createStory();
  story.follow("c-1", false);
  expect(story.take({ ...call, kind: "ambiguous" })?.text).toContain("it stays with stripe");
  expect(story.take({ ...call, kind: "ambiguous" })).toBeUndefined();
  expect(story.take({ ...settled, verdict: "retry" })).toBeUndefined();
  expect(story.take(settled)?.text).toContain("charged once");
});

test("so is a decline; what goes well, and what is not followed, is not", () => {
  const story = createStory();
  story.follow("c-1", true);
  story.follow("c-2", false);
  expect(story.take(settled)?.text).toContain("was declined");
  expect(story.take({ ...settled, jobId: "c-2" })).toBeUndefined();
  expect(story.take({ ...call, jobId: "c-3", kind: "ambiguous" })).toBeUndefined();
});
