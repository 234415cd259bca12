import { welcomeEmail } from "@understudy/jobs";
import { expect, onTestFinished, test } from "vitest";

import { type HealthServer, startHealthServer } from "./health-server.ts";
import { createMetrics } from "./metrics.ts";

const local = { host: "127.0.0.1", port: 0 };

async function start(sources: Partial<Parameters<typeof startHealthServer>[1]> = {}): Promise<HealthServer> {
  const server = await startHealthServer(local, {
    isReady: () => true,
    metrics: () => createMetrics().text(),
    ...sources,
  });
  onTestFinished(() => server.close());
  return server;
}

async function get({ port }: HealthServer, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
}

test("/healthz says that the process lives, whatever Redis does", async () => {
  const server = await start({ isReady: () => false });
  expect(await get(server, "/healthz")).toEqual({ status: 200, text: "ok\n" });
});

test("/readyz follows the worker, and says what a 503 means", async () => {
  let isReady = false;
  const server = await start({ isReady: () => isReady });
  expect(await get(server, "/readyz")).toEqual({
    status: 503,
    text: "not ready: Redis is away, or the worker is starting or draining\n",
  });
  isReady = true;
  expect(await get(server, "/readyz?probe=1")).toEqual({ status: 200, text: "ready\n" });
});

test("/metrics counts calls, failovers, verdicts and circuits for Prometheus", async () => {
  const metrics = createMetrics([welcomeEmail]);
  const about = { queue: "email", job: "welcome-email", jobId: "1" };
  const call = { event: "call", ...about, attempt: 1, durationMs: 20 } as const;
  metrics.observe({ ...call, provider: "sendgrid", kind: "unavailable", code: "http_503" });
  metrics.observe({ ...call, provider: "mailgun", kind: "delivered" });
  metrics.observe({ event: "failover", ...about, from: ["sendgrid"], to: "mailgun" });
  metrics.observe({ event: "settled", ...about, verdict: "complete", mayBeDuplicated: false });
  const view = { state: { at: "open", until: 1 }, scope: "fleet", reason: "", since: 1 } as const;
  metrics.circuit({ provider: "sendgrid", capability: "email.send", view });
  const { status, text } = await get(await start({ metrics: () => metrics.text() }), "/metrics");
  expect(status).toBe(200);
  for (const line of [
    'understudy_calls_total{provider="sendgrid",capability="email.send",kind="unavailable",code="http_503"} 1',
    'understudy_calls_total{provider="mailgun",capability="email.send",kind="delivered",code=""} 1',
    'understudy_failovers_total{from="sendgrid",to="mailgun"} 1',
    'understudy_settled_total{queue="email",job="welcome-email",verdict="complete",cause=""} 1',
    'understudy_circuit{provider="sendgrid",capability="email.send",scope="fleet"} 2',
  ])
    expect(text).toContain(`${line}\n`);
});

test("a wrong path is told the right ones, and metrics that fail are a 500", async () => {
  const server = await start({ metrics: () => Promise.reject(new Error("broken")) });
  expect(await get(server, "/")).toEqual({ status: 404, text: "not found: /healthz, /readyz or /metrics\n" });
  expect(await get(server, "/metrics")).toMatchObject({ status: 500 });
});

test("a port that is taken, and an address that is not ours, are refused in words", async () => {
  const { port } = await start();
  const sources = { isReady: () => true, metrics: () => Promise.resolve("") };
  await expect(startHealthServer({ ...local, port }, sources)).rejects.toThrow(
    `The health server cannot listen on 127.0.0.1:${port} (the port is taken). Set HTTP_PORT to a free port`,
  );
  await expect(startHealthServer({ host: "192.0.2.1", port: 0 }, sources)).rejects.toThrow(
    "this machine has no such address",
  );
});
