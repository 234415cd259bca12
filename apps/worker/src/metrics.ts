import type { AnyJob } from "@understudy/core";
import type { CircuitState, CircuitView } from "@understudy/resilience";
import type { Measured, RuntimeEvent } from "@understudy/runtime";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

import type { FleetEvent } from "./fleet-events.ts";

export interface Metrics {
  observe(event: RuntimeEvent): void;
  circuit(change: {
    readonly provider: string;
    readonly capability: string;
    readonly view: CircuitView;
  }): void;
  fleet(event: FleetEvent): void;
  /** Prometheus text. */
  text(): Promise<string>;
  /** The same, for a supervisor to add up. Each gauge names its aggregator, for a sum of gauges is seldom one. */
  json(): Promise<MetricsJson>;
}

export type MetricsJson = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

const circuitValue: Readonly<Record<CircuitState["at"], number>> = {
  closed: 0,
  half_open: 1,
  open: 2,
  isolated: 3,
};
const scopes = ["fleet", "worker"] as const;

/** @param jobs those that this worker runs: calls are told apart by the capability that theirs ask for */
export function createMetrics(jobs: readonly AnyJob[] = []): Metrics {
  const capabilities = new Map(jobs.map((job) => [job.name, job.capability.name as string]));
  const registers = [new Registry()];
  const calls = new Counter({
    name: "understudy_calls_total",
    help: "Answers of providers and gates",
    labelNames: ["provider", "capability", "kind", "code"],
    registers,
  });
  const seconds = new Histogram({
    name: "understudy_call_seconds",
    help: "Duration of calls really made",
    labelNames: ["provider", "capability", "kind"],
    registers,
  });
  const failovers = new Counter({
    name: "understudy_failovers_total",
    help: "Jobs delivered by a later provider",
    labelNames: ["from", "to"],
    registers,
  });
  const settled = new Counter({
    name: "understudy_settled_total",
    help: "Runs of jobs by verdict",
    labelNames: ["queue", "job", "verdict", "cause"],
    registers,
  });
  const circuits = new Gauge({
    name: "understudy_circuit",
    help: "0 closed, 1 half open, 2 open, 3 isolated; scope worker: for this worker alone",
    labelNames: ["provider", "capability", "scope"],
    aggregator: "max",
    registers,
  });
  const fleet = fleetMetrics(registers);
  const gauges = queueGauges(registers);
  const quarantined = new Counter({
    name: "understudy_quarantined_total",
    help: "Jobs that could never be run and were failed by the janitor",
    labelNames: ["queue"],
    registers,
  });
  const pruned = new Counter({
    name: "understudy_dead_letters_pruned_total",
    help: "Dead letters deleted beyond their bounds, by the bound",
    labelNames: ["queue", "bound"],
    registers,
  });
  return {
    observe(event) {
      if (event.event === "call") {
        const { provider, kind, code = "", durationMs } = event;
        const about = { provider, capability: capabilities.get(event.job) ?? "", kind };
        calls.inc({ ...about, code });
        if (kind !== "withheld") seconds.observe(about, durationMs / 1000);
      } else if (event.event === "failover") {
        failovers.inc({ from: event.from[0] ?? "", to: event.to });
      } else if (event.event === "settled") {
        settled.inc({ queue: event.queue, job: event.job, verdict: event.verdict, cause: event.cause ?? "" });
      } else if (event.event === "measured") {
        gauges(event);
      } else if (event.event === "quarantined") {
        quarantined.inc({ queue: event.queue });
      } else if (event.event === "pruned") {
        for (const bound of ["age", "letters", "bytes"] as const)
          pruned.inc({ queue: event.queue, bound }, event[bound]);
      }
    },
    circuit({ provider, capability, view: { state, scope } }) {
      // What does not hold any more must not go on being told.
      for (const one of scopes)
        circuits.set({ provider, capability, scope: one }, one === scope ? circuitValue[state.at] : 0);
    },
    fleet,
    text: () => registers[0]!.metrics(),
    json: () => registers[0]!.getMetricsAsJSON(),
  };
}

const enters = { circuit_opened: "open", circuit_half_open: "half_open", circuit_closed: "closed" } as const;

function fleetMetrics(registers: Registry[]): Metrics["fleet"] {
  const transitions = new Counter({
    name: "understudy_circuit_transitions_total",
    help: "What circuits came to be; those of scope fleet are counted once, by the worker that changed them",
    labelNames: ["provider", "capability", "to", "scope"],
    registers,
  });
  const unproven = new Counter({
    name: "understudy_backup_unproven_total",
    help: "How often a backup was found not to have delivered for so long that nobody knows whether it would",
    labelNames: ["provider", "capability"],
    registers,
  });
  const reachable = new Gauge({
    name: "understudy_fleet_reachable",
    help: "1 while this worker shares its circuits with the others, 0 while it goes on alone",
    aggregator: "min",
    registers,
  });
  return (event) => {
    if (!("provider" in event)) return reachable.set(Number(event.event === "fleet_found"));
    const { provider, capability } = event;
    if (event.event === "backup_unproven") return unproven.inc({ provider, capability });
    transitions.inc({ provider, capability, to: enters[event.event], scope: event.scope });
  };
}

/** How each queue stands; told by janitors, so that any one of them may be asked. */
function queueGauges(registers: Registry[]): (event: Measured) => void {
  const gauge = (name: string, help: string): Gauge<"queue"> =>
    new Gauge({ name: `understudy_${name}`, help, labelNames: ["queue"], aggregator: "max", registers });
  const all: readonly [Gauge<"queue">, (event: Measured) => number][] = [
    [gauge("jobs_waiting", "Jobs that are due"), ({ waiting }) => waiting],
    [gauge("jobs_delayed", "Jobs that snooze, or are not due yet"), ({ delayed }) => delayed],
    [gauge("jobs_active", "Jobs being run"), ({ active }) => active],
    [gauge("queue_paused", "1 while the queue is paused"), ({ isPaused }) => Number(isPaused)],
    [
      gauge("oldest_waiting_seconds", "Since the job that waits longest was enqueued"),
      ({ oldestWaitingMs }) => oldestWaitingMs / 1000,
    ],
    [gauge("dead_letters", "Dead letters"), ({ dead }) => dead],
    [gauge("dead_letters_bytes", "What dead letters hold"), ({ deadBytes }) => deadBytes],
    [
      gauge("oldest_dead_letter_seconds", "Since the oldest dead letter died"),
      ({ oldestDeadMs }) => oldestDeadMs / 1000,
    ],
    [
      gauge("failed_in_flows", "Failed members of flows, which stay where they are"),
      ({ failedInFlows }) => failedInFlows,
    ],
    [
      gauge("failed_without_dead_letter", "Failed jobs that could not be made dead letters: always 0"),
      ({ failedWithoutLetter }) => failedWithoutLetter,
    ],
  ];
  return (event) => {
    for (const [one, value] of all) one.set({ queue: event.queue }, value(event));
  };
}
