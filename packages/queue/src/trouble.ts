import { UnderstudyError } from "@understudy/core";

/** Redis dropped its scripts; ioredis sends them whole again on a new connection only. */
export function isScriptsLost(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

export function isConnectionTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return (
    /^(?:ECONN|ETIMEDOUT|EPIPE|EHOST|ENET|ENOTFOUND|EAI_AGAIN)/u.test(code) ||
    error.name === "MaxRetriesPerRequestError" ||
    /Connection is closed|Stream isn't writeable|^(?:LOADING|MASTERDOWN|READONLY|CLUSTERDOWN)\b/u.test(
      reasonOf(error),
    )
  );
}

export function unreachable(deadlineMs: number, trouble: unknown, advice: string): UnderstudyError {
  const last = trouble === undefined ? "" : ` (${reasonOf(trouble)})`;
  return new UnderstudyError(
    "redis_unreachable",
    `Redis gave no good answer within ${deadlineMs} ms${last}. ${advice} Check that Redis runs and that the URL is right.`,
    causedBy(trouble),
  );
}

export function refused(error: unknown): UnderstudyError {
  return new UnderstudyError("redis_refused", `Redis refused: ${reasonOf(error)}`, causedBy(error));
}

/** Redis' own words; of a transaction, those about the command that was at fault. */
function reasonOf(error: unknown): string {
  const previous: unknown =
    error instanceof Error && "previousErrors" in error ? error.previousErrors : undefined;
  const first: unknown = Array.isArray(previous) ? previous[0] : undefined;
  const told = first instanceof Error ? first : error;
  return (told instanceof Error ? told.message : String(told)).slice(0, 200);
}

/** ioredis' errors carry the command, and with it the payload or a password; only name and words go on. */
function causedBy(error: unknown): ErrorOptions {
  if (!(error instanceof Error)) return {};
  const cause = new Error(reasonOf(error));
  cause.name = error.name;
  return { cause };
}
