import { createHash, timingSafeEqual } from "node:crypto";

import { secretOf256Bits } from "./sessions.ts";

/** Whoever started the process, and reads its output, may sign in with it: once, within the hour. */
export interface OneTimeLink {
  readonly token: string;
  /** @returns whether it was the right one, for the first time and in time */
  use(token: string): boolean;
}

const VALID_MS = 3_600_000;

export function createOneTimeLink(now: () => number = Date.now): OneTimeLink {
  const token = secretOf256Bits();
  const until = now() + VALID_MS;
  let isUsed = false;
  return {
    token,
    use(given) {
      const isRight = timingSafeEqual(hashOf(given), hashOf(token)) && !isUsed && now() < until;
      isUsed ||= isRight;
      return isRight;
    },
  };
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
