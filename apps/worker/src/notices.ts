import type { Logger } from "pino";

import type { FleetEvent, Notice, Notifier } from "./fleet-events.ts";

/** Hands each notice to all of them; one that fails holds up none of the others. */
export function notifyAll(log: Logger, notifiers: readonly Notifier[]): Notifier {
  return (notice) => {
    for (const notify of notifiers) {
      try {
        notify(notice);
      } catch (error) {
        log.error({ event: "notifier_failed", error }, "a notifier failed");
      }
    }
  };
}

/** The log is the first of those who are told. Failovers are in it already: the runtime tells of them. */
export function noticesTo(log: Logger): Notifier {
  return (notice: Notice) => {
    if (notice.event !== "failover") log[levels[notice.event]](notice, sentenceOf(notice));
  };
}

const levels = {
  circuit_opened: "warn",
  circuit_half_open: "info",
  circuit_closed: "info",
  backup_unproven: "warn",
  fleet_lost: "warn",
  fleet_found: "info",
} as const satisfies Record<FleetEvent["event"], string>;

function sentenceOf(event: FleetEvent): string {
  switch (event.event) {
    case "circuit_opened":
      return `circuit of ${nameOf(event)} is open${forWhom(event)}: ${event.reason}`;
    case "circuit_half_open":
      return event.share === 0
        ? `circuit of ${nameOf(event)} is half open${forWhom(event)}: one probe finds out whether it is back`
        : `circuit of ${nameOf(event)} is half open${forWhom(event)}: ${100 * (event.share ?? 0)} % of the usual traffic`;
    case "circuit_closed":
      return `circuit of ${nameOf(event)} is closed${forWhom(event)}: ${event.reason}`;
    case "backup_unproven":
      return `backup ${nameOf(event)} has ${event.provenAt === undefined ? "never delivered" : `not delivered since ${new Date(event.provenAt).toISOString()}`}: nobody knows whether it would`;
    case "fleet_lost":
      return "the other workers cannot be reached: going by what this one sees";
    case "fleet_found":
      return "the other workers are reached: going by what all see";
  }
}

function nameOf({
  provider,
  capability,
}: {
  readonly provider: string;
  readonly capability: string;
}): string {
  return `${provider} ${capability}`;
}

function forWhom({ scope }: { readonly scope: "fleet" | "worker" }): string {
  return scope === "fleet" ? " for all workers" : " for this worker alone";
}
