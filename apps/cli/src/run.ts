import { CommanderError } from "commander";

import { Complaint, complaintOf, exitCodes } from "./exit.ts";
import { tidyTwins } from "./flags.ts";
import { createProgram } from "./program.ts";
import { complain } from "./terminal.ts";

/**
 * Does what the words of a command line say, and tells what went wrong on stderr.
 * @param env the environment of this process, which commander reads too; what is empty or off in it is deleted
 * @returns what to end with
 */
export async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const program = createProgram();
  const problems = tidyTwins(program, env);
  if (problems.length > 0) {
    complain(problems.join("\n"));
    return exitCodes.usage;
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return takeExitCode();
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const { message, exitCode } = complaintOf(error) ?? faultOf(error);
    complain(message);
    return exitCode;
  }
}

/** Commander hands nothing back of what an action returns, so it is left there. */
function takeExitCode(): number {
  const code = Number(process.exitCode ?? exitCodes.done);
  process.exitCode = undefined;
  return code;
}

/** Without the stack and the properties of the error, which may carry a command and with it a payload. */
function faultOf(error: unknown): Complaint {
  const words = error instanceof Error ? `${error.name}: ${error.message}` : "something that is no error";
  return new Complaint(`This is a fault of understudy's, please report it: ${words}`, exitCodes.fault);
}
