import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, inject, test } from "vitest";

import { isAlive } from "../lib/redis/process-alive.ts";
import type { Summary } from "./summary.ts";

const start = join(import.meta.dirname, "../start.ts");
let dir: string;
let tour: ChildProcess;
let output: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "understudy-tour-"));
  output = "";
  const args = ["--exit", "--json", join(dir, "figures.json"), "--mails", "300"];
  tour = spawn(process.execPath, ["--conditions=@understudy/source", start, ...args], {
    env: { ...process.env, REDIS_URL: inject("redisUrl") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [tour.stdout, tour.stderr])
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
});
afterEach(() => {
  tour.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});

/** Resolves with what matched once the tour has said it. */
async function said(pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = pattern.exec(output);
    if (match !== null) return match;
    await once(tour.stdout!, "data");
  }
}

test("a tour in which a worker is killed loses nothing, labels every duplicate and leaves no process behind", async () => {
  const [, ...pids] = await said(/workers (\d+) and (\d+)/u);
  const [, sandboxUrl = ""] = await said(/sandbox (http:\S+):/u);
  const [, dashboard = "", link = ""] = await said(
    /(http:\/\/127\.0\.0\.1:\d+)(\/sign-in\/link\?token=\S+)/u,
  );
  expect((await fetch(`${dashboard}/`, { redirect: "manual" })).status).not.toBe(200);
  expect((await fetch(`${dashboard}${link}`, { redirect: "manual" })).status).toBeLessThan(400);
  await said(/now takes mail and never answers/u);
  process.kill(Number(pids[0]), "SIGKILL");
  const [status] = (await once(tour, "close")) as [number];
  expect(status, output).toBe(0);

  const summary = JSON.parse(readFileSync(join(dir, "figures.json"), "utf8")) as Summary;
  expect(Object.keys(summary)).toEqual([
    "jobs",
    "providers",
    "duplicates",
    "unlabelledDuplicates",
    "lost",
    "seconds",
  ]);
  expect(summary).toMatchObject({ unlabelledDuplicates: 0, lost: 0 });
  const rows = Object.values(summary.jobs);
  const total = (column: keyof (typeof rows)[number]): number =>
    rows.reduce((sum, row) => sum + row[column], 0);
  const orders = 25;
  expect(total("enqueued")).toBe(300 + orders + 2 * orders);
  expect(total("delivered") + total("deadLettered")).toBe(total("enqueued"));
  expect(total("deadLettered")).toBe(5);
  // A declined charge is delivered, and nothing happened.
  const accepted = Object.values(summary.providers).reduce((sum, one) => sum + one.accepted, 0);
  expect(accepted).toBe(total("delivered") - 1 + summary.duplicates);
  expect(summary.jobs).toMatchObject({
    "charge-card": { enqueued: orders, delivered: orders, failedOver: 0 },
    "sync-analytics": { enqueued: 2 * orders, delivered: 2 * orders },
  });
  expect(summary.providers).toMatchObject({
    stripe: { accepted: orders - 1 },
    square: { accepted: 0 },
    segment: { accepted: orders },
    mixpanel: { accepted: orders },
  });
  expect(summary.providers["mailgun"]?.accepted).toBeGreaterThan(0);
  expect(total("failedOver")).toBeGreaterThan(0);

  expect(output).toMatch(/worker 1 ended \(SIGKILL\): another takes its place/u);
  expect(output).toMatch(
    /may have been charged: it stays with stripe[\s\S]*is settled by its key: charged once/u,
  );
  expect(output).toMatch(/was declined by the bank/u);
  expect(output).toMatch(/circuit of sendgrid opens[\s\S]*circuit of sendgrid closes/u);
  expect(pids.map((pid) => isAlive(Number(pid)))).toEqual([false, false]);
  await expect(fetch(`${sandboxUrl}/healthz`)).rejects.toThrow("fetch failed");
  await expect(fetch(`${dashboard}/`)).rejects.toThrow("fetch failed");
});
