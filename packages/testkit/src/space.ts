import { randomUUID } from "node:crypto";

import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    readonly redisUrl: string;
  }
}

/** A place of its own on the one Redis of a test run. */
export interface Space {
  readonly redisUrl: string;
  readonly namespace: string;
}

export function newSpace(): Space {
  return { redisUrl: inject("redisUrl"), namespace: `test-${randomUUID().slice(0, 8)}` };
}
