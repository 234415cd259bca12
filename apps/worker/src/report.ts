import type { RuntimeEvent } from "@understudy/runtime";
import type { Logger } from "pino";

const QUIET_MS = 60_000;

/** Writes what the runtime tells as log lines: one a call, one a verdict; the same trouble once a minute. */
export function reportTo(log: Logger, now: () => number): (event: RuntimeEvent) => void {
  const countRepeats = repeats(now);
  return (event) => {
    switch (event.event) {
      case "call":
        log[event.kind === "delivered" || event.kind === "withheld" ? "debug" : "info"](
          event,
          `${event.provider} answered ${event.kind}${event.code === undefined ? "" : ` ${event.code}`}`,
        );
        return;
      case "failover":
        log.warn(event, `${event.to} stood in for ${event.from.join(", ")}`);
        return;
      case "settled":
        log[event.verdict === "dead_letter" ? "warn" : "info"](
          event,
          event.verdict === "dead_letter" ? `dead letter: ${event.cause}` : event.verdict,
        );
        return;
      case "quarantined":
        log.warn(event, `quarantined ${event.jobId}: ${event.reason}`);
        return;
      case "pruned":
        log.warn(
          event,
          `deleted ${event.age + event.letters + event.bytes} dead letters beyond their bounds`,
        );
        return;
      case "mended":
        log.warn(
          event,
          event.what === "strays"
            ? "put back dead letters that were retried by a foreign tool"
            : "mended the index of dead letters",
        );
        return;
      case "measured":
        if (event.failedWithoutLetter > 0)
          log.error(
            event,
            `${event.failedWithoutLetter} failed jobs could not be made dead letters: another of their id exists`,
          );
        return;
      case "trouble": {
        const unsaid = countRepeats(event.error.message);
        if (unsaid === undefined) return;
        const more = unsaid === 0 ? "" : ` (and ${unsaid} times more since it was last told)`;
        log.error(event, `${event.error.message}${more}`);
      }
    }
  };
}

/** How often these words were kept back since they were said; undefined while they must be kept back. */
function repeats(now: () => number): (words: string) => number | undefined {
  const said = new Map<string, { at: number; unsaid: number }>();
  return (words) => {
    const last = said.get(words);
    if (last !== undefined && now() - last.at < QUIET_MS) {
      last.unsaid += 1;
      return undefined;
    }
    if (said.size > 1000) said.clear();
    said.set(words, { at: now(), unsaid: 0 });
    return last?.unsaid ?? 0;
  };
}
