import { type Env, EnvReader } from "../env.ts";
import { type ProcessConfig, readProcess, readRole } from "../process-config.ts";

/** What a supervisor needs, or undefined when this process is to be the one worker. */
export function readCrew(env: Env): ProcessConfig | undefined {
  const reader = new EnvReader(env);
  const config = readProcess(reader, readRole(reader));
  // What is wrong is told by the worker, with all the rest that is.
  return reader.hasProblems() || config.processes === 1 ? undefined : config;
}
