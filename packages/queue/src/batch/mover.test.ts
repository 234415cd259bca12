import { setTimeout as sleep } from "node:timers/promises";

import { expect, test } from "vitest";

import type { Call } from "./move-many.ts";
import { createMover } from "./mover.ts";

const command = () => ({ name: "addLogs", keys: [], args: [] }) as const;
const completion = (id: string): Call => ({
  finish: { id, token: "t", at: 0, fetches: true, keepMs: 1, returnValue: "null", data: "", lines: "" },
  command,
});
const failure: Call = { finish: undefined, command };

test("what only BullMQ's scripts can do takes nothing else with it", async () => {
  const sent: string[] = [];
  const run = (kind: string) => (calls: readonly Call[]) => {
    sent.push(`${kind} ${calls.length}`);
    return Promise.resolve(calls.map(({ finish }) => finish?.id ?? "failed"));
  };
  const mover = createMover({ finishes: run("finishes"), moves: run("moves"), most: 25 });
  const calls = [completion("a"), failure, completion("b"), failure];
  expect(await Promise.all(calls.map((call) => mover.one(call)))).toEqual(["a", "failed", "b", "failed"]);
  expect(sent.toSorted()).toEqual(["finishes 2", "moves 2"]);
});

test("an answer does not wait for a script of the other kind", async () => {
  const { promise: never } = Promise.withResolvers<readonly unknown[]>();
  const answers = (calls: readonly Call[]) => Promise.resolve(calls.map(() => "handed over"));
  for (const hangs of ["finishes", "moves"] as const) {
    const mover = createMover({ finishes: answers, moves: answers, [hangs]: () => never, most: 25 });
    const [hanging, other] = hangs === "moves" ? [failure, completion("a")] : [completion("a"), failure];
    const one = mover.one(hanging);
    expect(await mover.one(other), hangs).toBe("handed over");
    expect(await Promise.race([one, sleep(5, "hangs")]), hangs).toBe("hangs");
  }
});
