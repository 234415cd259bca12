import { parseArgs } from "node:util";

import { UnderstudyError } from "@understudy/core";

import type { Env } from "./env.ts";
import { numberOfThisProcess, tellRefusal } from "./supervisor/answer-supervisor.ts";
import { readCrew } from "./supervisor/crew-config.ts";
import { supervise } from "./supervisor/supervise.ts";

try {
  const env = { ...process.env, ...roleFlag() };
  const number = numberOfThisProcess();
  const crew = number === undefined ? readCrew(env) : undefined;
  await (crew === undefined ? work(env, number) : supervise(crew, import.meta.filename));
} catch (error) {
  if (!(error instanceof UnderstudyError)) throw error;
  await tellRefusal(error.message);
  process.exit(2);
}

/** @param number of this worker under its supervisor */
async function work(env: Env, number: number | undefined): Promise<void> {
  // A supervisor does without jobs, vendors and Redis: half the memory.
  const { runWorker } = await import("./worker.ts");
  await runWorker(env, number);
}

/** `--role janitor` is the same as ROLE=janitor, and stronger. */
function roleFlag(): { readonly ROLE?: string } {
  try {
    const { role } = parseArgs({ options: { role: { type: "string" } } }).values;
    return role === undefined ? {} : { ROLE: role };
  } catch (error) {
    throw new UnderstudyError(
      "config_invalid",
      `${error instanceof Error ? error.message : String(error)} The only flag is --role both|work|janitor.`,
    );
  }
}
