import { expect, test } from "vitest";

import { apart, type Call } from "./move-many.ts";

const command = () => ({ name: "addLogs", keys: [], args: [] }) as const;
const completion = (id: string): Call => ({
  finish: { id, token: "t", at: 0, fetches: true, keepMs: 1, returnValue: "null", data: "", lines: "" },
  command,
});
const failure: Call = { finish: undefined, command };

/** What is run, in order; each call is answered with its name. */
function running(failing?: "failures" | "completions") {
  const ran: string[][] = [];
  const nameOf = ({ finish }: Call): string => finish?.id ?? "failure";
  const run = apart(async (calls) => {
    ran.push(calls.map(nameOf));
    await Promise.resolve();
    if (failing === (calls[0]?.finish ? "completions" : "failures")) throw new Error("connection lost");
    return calls.map((call) => `answer to ${nameOf(call)}`);
  });
  return { ran, run };
}

test("what only BullMQ's scripts can do goes by itself, and first", async () => {
  const { ran, run } = running();
  expect(await run([completion("a"), failure, completion("b"), failure])).toEqual([
    "answer to a",
    "answer to failure",
    "answer to b",
    "answer to failure",
  ]);
  expect(ran).toEqual([
    ["failure", "failure"],
    ["a", "b"],
  ]);
});

test("what is all of one kind goes in one call", async () => {
  const { ran, run } = running();
  await run([completion("a"), completion("b")]);
  await run([failure]);
  expect(ran).toEqual([["a", "b"], ["failure"]]);
});

test.each([
  ["failures", ["answer to a", new Error("connection lost")]],
  ["completions", [new Error("connection lost"), "answer to failure"]],
] as const)("when the %s do not come through, the others are answered", async (failing, answers) => {
  const { run } = running(failing);
  expect(await run([completion("a"), failure])).toEqual(answers);
});
