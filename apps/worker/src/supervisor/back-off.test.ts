import { expect, test } from "vitest";

import { restartDelayMs } from "./back-off.ts";

test("the first restart is at once, the next after 1 s, doubling to 30 s", () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 7, 2000].map(restartDelayMs);
  expect(delays).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});
