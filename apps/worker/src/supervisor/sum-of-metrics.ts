import { AggregatorRegistry, type Registry } from "prom-client";

import type { MetricsJson } from "../metrics.ts";

/** What several workers count, as one: counters and histograms added up, gauges as each of them says. */
export function sumOfMetrics(parts: readonly MetricsJson[]): Registry {
  return AggregatorRegistry.aggregate(parts as MetricsJson[]);
}

/**
 * What workers that have ended had counted. A sum that lost it would fall, which Prometheus takes for a restart, and it would count
 * all that the others did once more.
 */
export interface Buried {
  bury(metrics: MetricsJson | undefined): void;
  counts(): MetricsJson;
}

export function createBuried(): Buried {
  let sum: MetricsJson = [];
  return {
    bury(metrics = []) {
      const counts = metrics.filter(({ type }) => String(type) !== "gauge");
      // Aggregated metrics have their values at hand.
      sum = sumOfMetrics([sum, counts]).getMetricsAsArray() as MetricsJson;
    },
    counts: () => sum,
  };
}
