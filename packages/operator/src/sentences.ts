import type { Cause, Envelope, Outcome, Trail } from "@understudy/core";
import type { DeadLetter } from "@understudy/dead-letters";

/** Why a letter is one, in one sentence. */
export function sentenceOf(letter: DeadLetter, envelope: Envelope | undefined): string {
  const trail = envelope?.trail ?? [];
  const calls = lastWords(trail);
  const because = calls === "" ? "" : `: ${calls}`;
  const words: Readonly<Record<Cause, string>> = {
    rejected: `The request was refused as wrong${because || `: ${letter.reason}`}.`,
    exhausted: `${letter.attempts === 1 ? "Its only attempt" : `All ${letter.attempts} attempts`} failed${because}.`,
    ambiguous: `Nobody knows whether it happened, and it may not be sent again${because}.`,
    expired: `It became too old before anybody could serve it${because}.`,
    invalid: `Its data cannot be used: ${plain(letter.reason, "invalid")}.`,
    unknown_job: `No worker knew the job ${letter.job}: ${plain(letter.reason, "unknown_job")}.`,
    stalled: `Its workers were lost while they ran it, time after time: ${letter.reason}.`,
    undelivered: `A part of it was refused for good${because || `: ${plain(letter.reason, "undelivered")}`}.`,
    cancelled: `It was cancelled: ${plain(letter.reason, "cancelled")}.`,
  };
  const doubt =
    letter.effect === "maybe" && letter.cause !== "ambiguous" ? " It may have happened all the same." : "";
  return `${words[letter.cause].replace(/\.\.$/u, ".")}${doubt}`;
}

/** The last failure of each provider: "sendgrid answered http_503 (…); mailgun answered timeout". */
export function lastWords(trail: Trail): string {
  const last = new Map<string, string>();
  for (const outcome of trail) {
    if (outcome.kind !== "delivered" && outcome.provesNone !== true)
      last.set(outcome.provider, answerOf(outcome));
  }
  return [...last.values()].join("; ");
}

/** "sendgrid answered http_503 (the vendor's words)". */
export function answerOf(outcome: Outcome): string {
  const { provider } = outcome;
  if (outcome.kind === "delivered") return `${provider} delivered it`;
  const detail = outcome.detail === undefined ? "" : ` (${outcome.detail})`;
  return outcome.kind === "withheld"
    ? `${provider} was not asked: ${outcome.code}`
    : `${provider} answered ${outcome.code}${detail}`;
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The runtime puts the cause before the words. */
function plain(reason: string, cause: Cause): string {
  const prefix = `${cause}: `;
  return (reason.startsWith(prefix) ? reason.slice(prefix.length) : reason).replace(/\.$/u, "");
}

/** "4 s", "12 min", "3 h", "5 d". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
