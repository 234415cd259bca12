import { expect, test } from "vitest";

import { createMetrics } from "./metrics.ts";

const about = { provider: "sendgrid", capability: "email.send" };
const view = { state: { at: "open", until: 1 }, reason: "failure_rate", since: 0 } as const;

test("a circuit is told under the scope that it holds in, and under the other no more", async () => {
  const metrics = createMetrics();
  const circuit = async (scope: string): Promise<string | undefined> =>
    new RegExp(`understudy_circuit\\{.*scope="${scope}"\\} (\\d)`, "u").exec(await metrics.text())?.[1];
  metrics.circuit({ ...about, view: { ...view, scope: "worker" } });
  expect([await circuit("fleet"), await circuit("worker")]).toEqual(["0", "2"]);
  metrics.circuit({ ...about, view: { ...view, scope: "fleet" } });
  expect([await circuit("fleet"), await circuit("worker")]).toEqual(["2", "0"]);
  metrics.circuit({ ...about, view: { ...view, scope: "fleet", state: { at: "isolated", reason: "x" } } });
  expect(await circuit("fleet")).toBe("3");
});

test("what the fleet tells is counted, and whether it can be reached", async () => {
  const metrics = createMetrics();
  expect(await metrics.text()).toContain("understudy_fleet_reachable 0");
  metrics.fleet({ event: "fleet_found" });
  metrics.fleet({ event: "circuit_opened", ...about, scope: "fleet", reason: "failure_rate" });
  metrics.fleet({ event: "backup_unproven", ...about });
  const text = await metrics.text();
  for (const line of [
    "understudy_fleet_reachable 1",
    'understudy_circuit_transitions_total{provider="sendgrid",capability="email.send",to="open",scope="fleet"} 1',
    'understudy_backup_unproven_total{provider="sendgrid",capability="email.send"} 1',
  ])
    expect(text).toContain(line);
  metrics.fleet({ event: "fleet_lost" });
  expect(await metrics.text()).toContain("understudy_fleet_reachable 0");
});
