import type { CircuitState } from "@understudy/resilience";
import type { RuntimeEvent } from "@understudy/runtime";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

export interface Metrics {
  observe(event: RuntimeEvent): void;
  circuit(change: {
    readonly provider: string;
    readonly capability: string;
    readonly state: CircuitState;
  }): void;
  /** Prometheus text. */
  text(): Promise<string>;
}

const circuitValue = { closed: 0, half_open: 1, open: 2 } as const;

export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const calls = new Counter({
    name: "understudy_calls_total",
    help: "Answers of providers and gates",
    labelNames: ["provider", "kind", "code"],
    registers,
  });
  const seconds = new Histogram({
    name: "understudy_call_seconds",
    help: "Duration of calls really made",
    labelNames: ["provider", "kind"],
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
    help: "0 closed, 1 half open, 2 open",
    labelNames: ["provider", "capability"],
    registers,
  });
  return {
    observe(event) {
      if (event.event === "call") {
        calls.inc({ provider: event.provider, kind: event.kind, code: event.code ?? "" });
        if (event.kind !== "withheld")
          seconds.observe({ provider: event.provider, kind: event.kind }, event.durationMs / 1000);
      } else if (event.event === "failover") {
        failovers.inc({ from: event.from[0] ?? "", to: event.to });
      } else if (event.event === "settled") {
        settled.inc({ queue: event.queue, job: event.job, verdict: event.verdict, cause: event.cause ?? "" });
      }
    },
    circuit({ provider, capability, state }) {
      circuits.set({ provider, capability }, circuitValue[state.at]);
    },
    text: () => registers[0]!.metrics(),
  };
}
