import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { ga4 } from "@understudy/providers/ga4";

import { startProgram } from "../../failover/program.ts";
import { fill } from "../fill.ts";
import { placeOf } from "../places.ts";
import type { Stage } from "../stage.ts";
import { event } from "../subjects.ts";
import type { Sample, Scenario, System } from "../types.ts";

/** From the start of a process until its first job has come to the vendor: the real worker, with all its providers, beside ten lines. */
export const startUpScenarios: readonly Scenario[] = [
  { group: "start-up", rows: [{ name: "start-up", figure: "ms", unit: "ms" }], take: startUp },
];

async function startUp(stage: Stage, system: System): Promise<Sample> {
  await stage.empty();
  const namespace = stage.namespace(system);
  await fill(stage, { system, namespace, subject: event, count: 1 });
  const vendor = createServer((request, response) => {
    request.resume();
    response.writeHead(204).end();
  });
  vendor.listen(0, "127.0.0.1");
  await once(vendor, "listening");
  const url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`;
  const asked = once(vendor, "request");
  const began = performance.now();
  const starting = startWorker(stage, system, namespace, url);
  await Promise.race([asked, starting.then(() => asked)]);
  const ms = performance.now() - began;
  await (await starting).stop();
  vendor.closeAllConnections();
  vendor.close();
  return { figures: { ms }, problems: [] };
}

async function startWorker({ url }: Stage, system: System, namespace: string, vendor: string) {
  const isUp = (line: Readonly<Record<string, unknown>>): boolean => line["event"] === "started";
  if (system === "bullmq") {
    const { name, prefix } = placeOf(system, namespace, event.job);
    return await startProgram("apps/bench/src/bullmq/first-job.ts", {}, isUp, [url, name, prefix, vendor]);
  }
  const { measurementId, apiSecret } = ga4.sandboxConfig;
  const env = {
    REDIS_URL: url,
    NAMESPACE: namespace,
    NODE_ENV: "development",
    ROLE: "work",
    HTTP_PORT: "0",
    LOG_LEVEL: "info",
    QUEUES: `${event.job.queue}=50`,
    ROUTE_ANALYTICS_TRACK: ga4.name,
    GA4_MEASUREMENT_ID: String(measurementId),
    GA4_API_SECRET: String(apiSecret),
    GA4_BASE_URL: vendor,
  };
  return await startProgram("apps/worker/src/main.ts", env, isUp);
}
