import type { Circuit, CircuitName, CircuitView } from "@understudy/resilience";
import type { RuntimeEvent } from "@understudy/runtime";

/** What the fleet tells whoever watches: logs, metrics, whoever must be woken. */
export type FleetEvent =
  | ({
      readonly event: "circuit_opened" | "circuit_half_open" | "circuit_closed";
      readonly provider: string;
      readonly capability: string;
      readonly reason: string;
      /** Of the usual traffic that may pass, while it is half open. */
      readonly share?: number;
      /** Epoch milliseconds. */
      readonly until?: number;
    } & Pick<CircuitView, "scope">)
  /** A backup has not delivered for so long that nobody knows whether it would. */
  | {
      readonly event: "backup_unproven";
      readonly provider: string;
      readonly capability: string;
      /** When it last delivered, epoch milliseconds; absent when it never has. */
      readonly provenAt?: number;
    }
  /** The others cannot be reached: this worker goes on by what it sees itself. */
  | { readonly event: "fleet_lost" | "fleet_found" };

/** What is worth telling a person: the fleet's events, and each failover, behind which the primary's death must not hide. */
export type Notice = FleetEvent | Extract<RuntimeEvent, { readonly event: "failover" }>;

/**
 * Tells somebody: a pager, a chat. Handed to `notifyAll` in main.ts. Circuits of scope "fleet" are told once in the whole fleet, by the worker
 * that changed them. Must neither throw nor wait.
 */
export type Notifier = (notice: Notice) => void;

const words = { closed: "circuit_closed", half_open: "circuit_half_open", open: "circuit_opened" } as const;

export function circuitEvent(
  { provider, capability }: CircuitName,
  { state, reason }: Pick<Circuit, "state" | "reason">,
  scope: CircuitView["scope"],
): FleetEvent {
  return {
    event: words[state.at],
    provider,
    capability,
    scope,
    reason,
    ...(state.at === "half_open" ? { share: state.share } : {}),
    ...(state.at === "open" ? { until: state.until } : {}),
  };
}
