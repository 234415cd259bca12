import { createHash } from "node:crypto";

import { expect, test } from "vitest";

import { type BullmqScript, loadScript, luaFunctions } from "./bullmq-lua.ts";

const ADDS = ["addStandardJob-9", "addDelayedJob-6", "addPrioritizedJob-9"];
const MOVES = ["moveToFinished-14", "moveToActive-11", "moveToDelayed-11"];

function script(name: string, content: string): BullmqScript {
  return { name, content };
}

/** What a script does, line by line: without comments and empty lines. */
function codeOf(lua: string): readonly string[] {
  return lua
    .replaceAll(/--\[\[[\s\S]*?\]\]/gu, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("--"));
}

test("nothing of what BullMQ's moves do is lost, or put in another order", () => {
  const scripts = MOVES.map(loadScript);
  const composed = codeOf(luaFunctions(scripts));
  for (const { name, content } of scripts) {
    const code = codeOf(content);
    const known = new Set(composed);
    expect(code.filter((line) => !known.has(line))).toEqual([]);
    const start = composed.indexOf(`local function bullmq_${name}(KEYS, ARGV)`);
    expect(start).toBeGreaterThan(-1);
    expect(composed.slice(start).join("\n")).toContain(code.slice(-8).join("\n"));
  }
});

test("each function of BullMQ's moves is whole, and there once", () => {
  const scripts = MOVES.map(loadScript);
  const composed = luaFunctions(scripts);
  const names = scripts.flatMap(({ content }) =>
    [...content.matchAll(/^local function (\w+)/gmu)].map(([, name = ""]) => name),
  );
  expect(names.length).toBeGreaterThan(10);
  for (const name of new Set(names)) {
    const made = [...composed.matchAll(new RegExp(`^local function ${name}\\(`, "gmu"))];
    expect(made, name).toHaveLength(1);
  }
});

test("a script becomes a function of its keys and arguments, and what it is made of stays outside", () => {
  const composed = luaFunctions([
    script(
      "greet",
      [
        "--[[ says something ]]",
        "local rcall = redis.call",
        "-- Includes",
        "--[[",
        "  Puts words together.",
        "]]",
        "local function join(a, b)",
        "  if a then",
        "    return a .. b",
        "  end",
        "end",
        "local word = ARGV[1]",
        "if word then",
        "  return join(KEYS[1], word)",
        "end",
        "return 0",
      ].join("\n"),
    ),
  ]);
  const body = [
    "local rcall = redis.call",
    "local word = ARGV[1]",
    "if word then",
    "return join(KEYS[1], word)",
  ];
  expect(codeOf(composed)).toEqual([
    "local rcall = redis.call",
    "local made",
    "local function bullmq()",
    "if made then return made end",
    "local function join(a, b)",
    "if a then",
    "return a .. b",
    "end",
    "end",
    "local function bullmq_greet(KEYS, ARGV)",
    ...body,
    "end",
    "return 0",
    "end",
    "made = { greet = bullmq_greet }",
    "return made",
    "end",
  ]);
});

test("two scripts that share a function have it once; two different ones of one name are refused", () => {
  const one = (name: string, value: number): BullmqScript =>
    script(name, `local function shared()\n  return ${value}\nend\nreturn shared()`);
  const together = luaFunctions([one("first", 1), one("second", 1)]);
  expect(together.match(/local function shared/gu)).toHaveLength(1);
  expect(() => luaFunctions([one("first", 1), one("second", 2)])).toThrow(
    "BullMQ has two Lua functions named shared",
  );
});

test("a script that is not there is said by name", () => {
  expect(() => loadScript("moveToNowhere-1")).toThrow("moveToNowhere-1");
});

test("BullMQ's scripts are those that ours were written beside", () => {
  const digests = Object.fromEntries(
    [...ADDS, ...MOVES].map((file) => [
      file,
      createHash("sha256").update(loadScript(file).content).digest("hex").slice(0, 12),
    ]),
  );
  expect(digests).toMatchInlineSnapshot(`
    {
      "addDelayedJob-6": "e47c0db3c46b",
      "addPrioritizedJob-9": "d4652d1be004",
      "addStandardJob-9": "2eee45c9ffc5",
      "moveToActive-11": "7d35069db0b8",
      "moveToDelayed-11": "1a7b9311ef92",
      "moveToFinished-14": "8e744ec5d65d",
    }
  `);
});
