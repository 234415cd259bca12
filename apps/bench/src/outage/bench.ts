import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

import { chart } from "./chart.ts";
import { type Figures, figuresOf, secondsOf } from "./figures.ts";
import { type Play, run, type Run } from "./run.ts";
import { type System, systems, titles, WORKERS } from "./settings.ts";

const svg = join(import.meta.dirname, "../../../../docs/outage-bench.svg");

/** Between two probes, by default. */
const PROBE_EVERY_S = 5;

const whole: Play = {
  perSecond: 100,
  afterMs: 120_000,
  acts: [
    { mood: "ok", seconds: 15 },
    { mood: "refuse", seconds: 15 },
    { mood: "hang", seconds: 15 },
    { mood: "503", seconds: 15 },
    { mood: "ok", seconds: 30 },
  ],
};
const smoke: Play = {
  perSecond: 40,
  afterMs: 15_000,
  acts: [
    { mood: "ok", seconds: 2 },
    { mood: "503", seconds: 3 },
    { mood: "ok", seconds: 1 },
  ],
};

/**
 * A steady load through an outage of the first of two equal providers, which refuses, then hangs, then answers 503: for a fleet that
 * shares its circuits, for one in each process, and for a plain retry.
 */
export async function outageBench(isSmoke: boolean): Promise<number> {
  const play = isSmoke ? smoke : whole;
  const runs = new Map<System, Run>();
  for (const system of isSmoke ? (["fleet"] as const) : systems) runs.set(system, await run(system, play));
  const figures = new Map([...runs].map(([system, one]) => [system, figuresOf(one, play)]));
  const outageS = play.acts.slice(1, -1).reduce((sum, { seconds }) => sum + seconds, 0);
  const allowed = Math.ceil(outageS / PROBE_EVERY_S) + 1;
  const machine = `${WORKERS} workers, ${play.perSecond} mails/s, two vendors 20 ms away; ${cpus().length} × ${cpus()[0]?.model ?? "?"}`;
  console.log(`outage: ${machine}\n${table(figures, allowed)}`);
  const [fleet, alone, plain] = systems.map((system) => runs.get(system));
  if (fleet !== undefined && alone !== undefined && plain !== undefined) {
    const total = play.acts.reduce((sum, { seconds }) => sum + seconds, 0);
    const seconds = {
      fleet: secondsOf(fleet, total),
      alone: secondsOf(alone, total),
      plain: secondsOf(plain, total),
    };
    writeFileSync(svg, chart(seconds, play, machine));
    console.log("The chart is in docs/outage-bench.svg.");
  }
  const ours = figures.get("fleet");
  return ours !== undefined && isRight(ours, isSmoke ? Infinity : allowed) ? 0 : 1;
}

/** Counts alone: nothing lost, nothing failed, and a dead provider asked no more than its probes. */
function isRight({ neverArrived, failed, wasted }: Figures, allowed: number): boolean {
  return neverArrived === 0 && failed === 0 && wasted <= allowed;
}

type Row = readonly [label: string, of: (figures: Figures) => string];

function table(figures: ReadonlyMap<System, Figures>, allowed: number): string {
  const ms = (value: number): string => (value >= 600_000 ? "never" : String(Math.round(value)));
  const rows: readonly Row[] = [
    ["arrived per second, healthy", (f) => f.healthyPerSecond.toFixed(1)],
    ["arrived per second, outage, once it is known", (f) => f.openPerSecond.toFixed(1)],
    ["of the healthy run", (f) => `${((100 * f.openPerSecond) / f.healthyPerSecond).toFixed(1)} %`],
    ["p99 healthy, ms", (f) => ms(f.p99HealthyMs)],
    ["p99 in the outage, ms", (f) => ms(f.p99OutageMs)],
    ["seconds until it was known", (f) => String(f.detectedS)],
    ["calls to the dead primary until then", (f) => String(f.wastedBefore)],
    [`and after that (probes allow ${allowed})`, (f) => String(f.wasted)],
    ["seconds from its return until it had the load", (f) => String(f.recoveredS)],
    ["mails that never arrived", (f) => String(f.neverArrived)],
    ["mails that arrived twice", (f) => String(f.copies)],
    ["jobs that failed", (f) => String(f.failed)],
  ];
  const names = [...figures.keys()];
  return [
    ["", ...names.map((name) => titles[name])],
    ["---", ...names.map(() => "---:")],
    ...rows.map(([label, of]) => [label, ...[...figures.values()].map(of)]),
  ]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
