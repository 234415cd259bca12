import { type ErrorCode, UnderstudyError } from "@understudy/core";

/** What the process ends with; the table stands in the README. */
export const exitCodes = {
  done: 0,
  /** Done, but something was left alone, held, not there or broken; what, was said. */
  leftAlone: 1,
  /** Wrong usage or configuration, or the role does not permit it. Nothing was changed. */
  usage: 2,
  /** Redis was not to be reached within the deadline, or refused. */
  redis: 3,
  /** A fault of this program's. */
  fault: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** One clear sentence for people, and what the process ends with. */
export class Complaint extends Error {
  override readonly name = "Complaint";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function interrupted(): Complaint {
  return new Complaint("Interrupted; nothing was changed.", exitCodes.interrupted);
}

export function exitCodeOf(code: ErrorCode): ExitCode {
  return code === "redis_unreachable" || code === "redis_refused" ? exitCodes.redis : exitCodes.usage;
}

/** What to say of an error that ended a command, and the status that it means; undefined when it is a fault of ours. */
export function complaintOf(error: unknown): Complaint | undefined {
  if (error instanceof Complaint) return error;
  if (error instanceof UnderstudyError) return new Complaint(error.message, exitCodeOf(error.code));
  return undefined;
}
