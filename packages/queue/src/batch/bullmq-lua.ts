import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Those of BullMQ's scripts that are run many in one call. */
export interface BullmqScript {
  readonly name: string;
  readonly content: string;
}

/** @throws Error when this BullMQ has no such script */
export function loadScript(file: string): BullmqScript {
  const require = createRequire(import.meta.url);
  const module = require(join(dirname(require.resolve("bullmq")), "scripts", `${file}.js`)) as Readonly<
    Record<string, BullmqScript>
  >;
  const script = Object.values(module).find((one) => typeof one?.content === "string");
  if (script === undefined) throw new Error(`BullMQ's script ${file} is not where it was`);
  return script;
}

interface Parts {
  /** The functions that the script makes at each call, by name. */
  readonly functions: ReadonlyMap<string, string>;
  /** What it does with its KEYS and ARGV. */
  readonly body: string;
}

/** BullMQ's functions begin at the beginning of a line, and so do their ends. */
const FUNCTION = /^local (?:function (\w+)\(|(\w+) = function \()[\s\S]*?^end[ ]*$/gmu;
const COMMENT = /^--\[\[[\s\S]*?\]\][ ]*$/gmu;

function partsOf({ content }: BullmqScript): Parts {
  const functions = new Map<string, string>();
  const body = content
    .replaceAll(COMMENT, "")
    .replaceAll(FUNCTION, (text: string, name?: string, variable?: string) => {
      functions.set(name ?? variable ?? "", text);
      return "";
    });
  return { functions, body };
}

/**
 * A Lua function `bullmq()` that answers with one function for each script, named like it, which does to its KEYS and ARGV what the script
 * does. All of them are BullMQ's word for word, and made when they are first wanted:
 * to make them takes as long as to add a job.
 * @throws Error when two scripts have different functions of one name
 */
export function luaFunctions(scripts: readonly BullmqScript[]): string {
  const parts = scripts.map((script) => ({ name: script.name, ...partsOf(script) }));
  const functions = new Map<string, string>();
  for (const one of parts)
    for (const [name, text] of one.functions) {
      const known = functions.get(name);
      if (known !== undefined && known !== text)
        throw new Error(`BullMQ has two Lua functions named ${name}`);
      functions.set(name, text);
    }
  return [
    "local rcall = redis.call",
    "local made",
    "local function bullmq()",
    "if made then return made end",
    ...functions.values(),
    ...parts.map(({ name, body }) => `local function bullmq_${name}(KEYS, ARGV)\n${body.trim()}\nend`),
    `made = { ${parts.map(({ name }) => `${name} = bullmq_${name}`).join(", ")} }`,
    "return made",
    "end",
  ].join("\n");
}
