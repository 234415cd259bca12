import { welcomeEmail } from "@understudy/jobs";
import { expect, test } from "vitest";

import { createMetrics, type Metrics } from "../metrics.ts";
import { createBuried, sumOfMetrics } from "./sum-of-metrics.ts";

const about = { provider: "sendgrid", capability: "email.send" };
const reason = { reason: "failure_rate", since: 0 };

/** One worker that has made some calls of 20 ms. */
function worker(calls: number): Metrics {
  const metrics = createMetrics([welcomeEmail]);
  const call = { event: "call", queue: "email", job: "welcome-email", jobId: "1", attempt: 1 } as const;
  for (let i = 0; i < calls; i++)
    metrics.observe({ ...call, provider: "sendgrid", kind: "delivered", durationMs: 20 });
  return metrics;
}

async function sum(...workers: readonly Metrics[]): Promise<string> {
  return await sumOfMetrics(await Promise.all(workers.map((one) => one.json()))).metrics();
}

test("counters and histograms of all workers are added up", async () => {
  const text = await sum(worker(2), worker(3));
  const labels = 'provider="sendgrid",capability="email.send",kind="delivered"';
  for (const line of [
    `understudy_calls_total{${labels},code=""} 5`,
    `understudy_call_seconds_bucket{le="0.025",${labels}} 5`,
    `understudy_call_seconds_bucket{le="0.01",${labels}} 0`,
    `understudy_call_seconds_sum{${labels}} 0.1`,
    `understudy_call_seconds_count{${labels}} 5`,
  ])
    expect(text).toContain(`${line}\n`);
});

test("of circuits the worst counts; the fleet is reachable when it is for every worker", async () => {
  const [one, other] = [worker(0), worker(0)];
  one.circuit({ ...about, view: { state: { at: "open", until: 1 }, scope: "worker", ...reason } });
  other.circuit({ ...about, view: { state: { at: "closed" }, scope: "fleet", ...reason } });
  one.fleet({ event: "fleet_found" });
  expect(await sum(one, other)).toContain(
    'understudy_circuit{provider="sendgrid",capability="email.send",scope="worker"} 2',
  );
  expect(await sum(one, other)).toContain("understudy_fleet_reachable 0");
  other.fleet({ event: "fleet_found" });
  expect(await sum(one, other)).toContain("understudy_fleet_reachable 1");
});

test("every gauge says how it is to be aggregated: none of a worker's is a sum", async () => {
  const gauges = (await worker(0).json()).filter(({ type }) => String(type) === "gauge");
  expect(gauges.length).toBeGreaterThan(10);
  expect(gauges.filter(({ aggregator }) => aggregator === "sum")).toEqual([]);
});

test("what a worker had counted is kept when it ends, its gauges are not", async () => {
  const buried = createBuried();
  const one = worker(2);
  one.fleet({ event: "fleet_found" });
  buried.bury(undefined);
  buried.bury(await one.json());
  buried.bury(await worker(1).json());
  const text = await sumOfMetrics([buried.counts(), await worker(4).json()]).metrics();
  expect(text).toContain('kind="delivered",code=""} 7\n');
  expect(text).toContain("understudy_fleet_reachable 0");
  expect(await sumOfMetrics([buried.counts()]).metrics()).not.toContain("understudy_fleet_reachable");
});
