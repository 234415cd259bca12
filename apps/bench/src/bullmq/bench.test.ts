import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { writeCharts } from "./charts.ts";
import { requirementsOf, unmeasured } from "./demands.ts";
import { readOptions } from "./options.ts";
import { scenarios } from "./scenarios/index.ts";
import { event, mail, numberOfEvent, numberOfMail, Tally } from "./subjects.ts";
import type { Result } from "./types.ts";

const rows = scenarios.flatMap(({ rows }) => rows);
const resultOf = (name: string, ratioToBullmq: number, ours = 1): Result => ({
  name,
  ratioToBullmq,
  ours,
  bullmq: 1,
  unit: "x",
  rounds: [{ ours, bullmq: 1, ratio: ratioToBullmq }],
});

test("each row has a name of its own", () => {
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});

test("a requirement of the ratio, or of our own figure, is met or says what was measured", () => {
  const row = (name: string) => rows.find((one) => one.name === name) ?? { name, figure: "", unit: "" };
  const met = (name: string, ratio: number, ours: number) =>
    requirementsOf(row(name), resultOf(name, ratio, ours)).map(({ isMet }) => isMet);
  expect(met("enqueue-100", 1.8, 0)).toEqual([true]);
  expect(met("pickup-p99-busy", 0.61, 0)).toEqual([false]);
  expect(met("memory-per-job", 9, 700)).toEqual([true]);
  expect(met("process-1", 0, 0)).toEqual([]);
  expect(requirementsOf(row("process-50"), resultOf("process-50", 1.5))[0]?.what).toBe(
    "process-50 ≥ 1.6 times bare BullMQ, and not 1.50",
  );
  expect(requirementsOf(row("tracing"), resultOf("tracing", 0.89))[0]?.what).toBe(
    "tracing ≥ 0.9 times ours untraced, and not 0.89",
  );
  expect(unmeasured([row("backlog-1m"), row("backlog-1k")], "has no memory")).toHaveLength(1);
});

test("payloads have 325 bytes, and numbers that are found again", () => {
  for (const n of [0, 12_345_678])
    for (const { job, payloadOf } of [mail, event]) {
      expect(JSON.stringify(payloadOf(n))).toHaveLength(325);
      expect(job.payload.safeParse(payloadOf(n)).success).toBe(true);
    }
  expect(numberOfMail((mail.payloadOf(77) as { readonly to: string }).to)).toBe(77);
  expect(numberOfEvent(JSON.stringify(event.payloadOf(77)))).toBe(77);
});

test("a job that was left out or done twice is told", () => {
  const tally = new Tally(3);
  for (const n of [0, 1, 1]) tally.count(n);
  expect(tally.problems()).toEqual(["2 of 3 jobs were not done exactly once"]);
});

test("flags are read, and unknown ones refused", () => {
  expect(readOptions(["enqueue", "--rounds", "3", "--json", "a.json"])).toMatchObject({
    names: ["enqueue"],
    options: { isSmoke: false, rounds: 3, json: "a.json" },
  });
  expect(readOptions(["--smoke"]).options.rounds).toBe(1);
  for (const words of [["--round"], ["--rounds", "0"], ["--rounds", "many"]])
    expect(() => readOptions(words)).toThrow(/--round/u);
});

test("the charts show each row with its requirement", () => {
  const folder = mkdtempSync(join(tmpdir(), "understudy-charts-"));
  writeCharts(folder, [resultOf("enqueue-100", 1.95), resultOf("pickup-p99", 2)], "a <machine>\nand more");
  const [throughput, latency] = ["throughput", "latency"].map((name) =>
    readFileSync(join(folder, `bullmq-${name}.svg`), "utf8"),
  );
  expect(throughput).toContain("a &lt;machine>");
  expect(throughput).toMatch(/enqueue-100.*#1a7f4b.*class="mark".*1\.95/u);
  expect(latency).toMatch(/pickup-p99.*#c4442b.*2\.00/u);
  rmSync(folder, { recursive: true });
});
