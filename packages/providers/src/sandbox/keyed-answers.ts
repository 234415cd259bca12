import { createHash } from "node:crypto";

import type { FakeAnswer } from "./http-sandbox.ts";

/** What a vendor remembers of idempotency keys. */
export interface KeyedAnswers {
  /**
   * Answers a request under a key: the first is served and remembered, the same again is replayed without a second effect;
   * another request under the key is a conflict, and one that comes while the first is being served is told so.
   */
  serve(
    key: string,
    request: string | Buffer,
    answers: {
      readonly serve: () => FakeAnswer | Promise<FakeAnswer>;
      readonly conflict: () => FakeAnswer;
      readonly inProgress: () => FakeAnswer;
      /** Whether this answer is remembered; vendors forget refusals made before anything was begun. */
      readonly isKept: (answer: FakeAnswer) => boolean;
    },
  ): Promise<FakeAnswer>;
}

export function createKeyedAnswers(): KeyedAnswers {
  const known = new Map<string, { readonly request: string; answer: FakeAnswer | undefined }>();
  return {
    async serve(key, request, { serve, conflict, inProgress, isKept }) {
      const digest = createHash("sha256").update(request).digest("hex");
      const before = known.get(key);
      if (before !== undefined) {
        if (before.request !== digest) return conflict();
        if (before.answer === undefined) return inProgress();
        const { effect: _, ...answer } = before.answer;
        return { ...answer, isReplay: true };
      }
      const entry = { request: digest, answer: undefined as FakeAnswer | undefined };
      known.set(key, entry);
      try {
        const answer = await serve();
        if (isKept(answer)) entry.answer = answer;
        return answer;
      } finally {
        if (entry.answer === undefined) known.delete(key);
      }
    },
  };
}
