import type { RuntimeEvent } from "@understudy/runtime";
import type { Logger } from "pino";

/** Writes what the runtime tells as log lines: one a call, one a verdict. */
export function reportTo(log: Logger): (event: RuntimeEvent) => void {
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
      case "trouble":
        log.error(event, event.error.message);
    }
  };
}
