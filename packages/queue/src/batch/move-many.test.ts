import type { Redis } from "ioredis";
import { pack } from "msgpackr";
import { expect, test } from "vitest";

import { manyFinishes, type OrdinaryCall } from "./move-many.ts";

const PREFIX = "understudy:{email}:email:";
const call: OrdinaryCall = {
  finish: { id: "a", token: "t", at: 5000, fetches: false, keepMs: 1, returnValue: "1", data: "", lines: "" },
  command: () => ({ name: "moveToFinished", keys: [], args: [] }),
};

/** @param answers of the script for ordinary calls, one after the other; when there is none left it completes what it is asked to */
function withAnswers(answers: readonly (null | Buffer)[]) {
  const sent: string[] = [];
  const left = [...answers];
  const sendCommand = ({ args }: { readonly args: readonly unknown[] }) => {
    const isOurs = args[3] === PREFIX;
    sent.push(isOurs ? "ours" : "bullmq");
    return Promise.resolve(isOurs && left.length > 0 ? left.shift() : pack([0]));
  };
  const redis = { sendCommand } as unknown as Redis;
  const finish = manyFinishes(redis, PREFIX, { lockMs: 30_000, name: "" });
  return async () => {
    expect(await finish([call])).toEqual([0]);
    return sent.splice(0).join(", ");
  };
}

const once = Buffer.alloc(0);

test("after a call of which there was more to tell the next ones go by BullMQ's scripts at once", async () => {
  const next = withAnswers([null]);
  expect(await next()).toBe("ours, bullmq");
  for (let n = 0; n < 8; n += 1) expect(await next()).toBe("bullmq");
  expect(await next()).toBe("ours");
});

test("what is over once it is done changes nothing for the next call", async () => {
  const next = withAnswers([once]);
  expect(await next()).toBe("ours, bullmq");
  expect(await next()).toBe("ours");
});

test("when that comes again and again the next calls go by BullMQ's scripts at once", async () => {
  const next = withAnswers(Array.from({ length: 6 }, () => once));
  for (let n = 0; n < 6; n += 1) expect(await next()).toBe("ours, bullmq");
  for (let n = 0; n < 8; n += 1) expect(await next()).toBe("bullmq");
  expect(await next()).toBe("ours");
});

test("one call that is ordinary begins the count anew", async () => {
  const five = Array.from({ length: 5 }, () => once);
  const next = withAnswers([...five, pack([0]), ...five]);
  for (let n = 0; n < 11; n += 1) expect(await next()).toBe(n === 5 ? "ours" : "ours, bullmq");
  expect(await next()).toBe("ours");
});
