import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

import { held, type Requirement } from "../requirements.ts";
import { chart } from "./chart.ts";
import { type Figures, figuresOf, secondsOf } from "./figures.ts";
import { type Play, run, type Run } from "./run.ts";
import { type System, systems, titles, WORKERS } from "./settings.ts";

const svg = join(import.meta.dirname, "../../../../docs/outage-bench.svg");

/** Between two probes, by default. */
const PROBE_EVERY_S = 5;
/** Of the healthy throughput, once it is known. */
const LEAST_SHARE = 0.95;

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
  console.log(`outage: ${machine}
Plain BullMQ has one provider, which is the primary, and no backup: eight attempts, exponential back-off from one second.
${table(figures, allowed)}`);
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
  return ours === undefined ? 1 : held("outage", requirements(ours, allowed, isSmoke));
}

/** Of the short form only what is lost or fails: it is over before a second of it could say anything. */
function requirements(figures: Figures, allowed: number, isSmoke: boolean): readonly Requirement[] {
  const { neverArrived, failed, detectedS, wasted = 0 } = figures;
  const share = shareOpen(figures) ?? 0;
  return [
    { what: `0 mails that never arrive, and not ${neverArrived}`, isMet: neverArrived === 0 },
    { what: `0 jobs that fail, and not ${failed}`, isMet: failed === 0 },
    { what: "that the primary's death is known", isMet: isSmoke || detectedS !== undefined },
    {
      what: `at most ${allowed} calls to the dead primary once it is known, and not ${wasted}`,
      isMet: isSmoke || wasted <= allowed,
    },
    {
      what: `${percent(LEAST_SHARE)} of the healthy throughput once it is known, and not ${percent(share)}`,
      isMet: isSmoke || share >= LEAST_SHARE,
    },
  ];
}

function shareOpen({ openPerSecond, healthyPerSecond }: Figures): number | undefined {
  return openPerSecond === undefined ? undefined : openPerSecond / healthyPerSecond;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

type Row = readonly [label: string, of: (figures: Figures) => string];

function table(figures: ReadonlyMap<System, Figures>, allowed: number): string {
  const ms = (value: number): string => (value >= 600_000 ? "never" : String(Math.round(value)));
  const orNone = (value: number | undefined, text: (value: number) => string): string =>
    value === undefined ? "–" : text(value);
  const orNever = (value: number | undefined): string => (value === undefined ? "never" : String(value));
  const tenths = (value: number): string => value.toFixed(1);
  const rows: readonly Row[] = [
    ["arrived per second, healthy: mean", (f) => tenths(f.healthyPerSecond)],
    ["healthy: the worst second", (f) => String(f.worstHealthyPerSecond)],
    ["in the outage, from 2 s after it was known: mean", (f) => orNone(f.openPerSecond, tenths)],
    ["in the outage: the worst second of these", (f) => orNone(f.worstOpenPerSecond, String)],
    ["mean in the outage, of the healthy mean", (f) => orNone(shareOpen(f), percent)],
    ["p99 healthy, ms", (f) => ms(f.p99HealthyMs)],
    ["p99 in the outage, ms", (f) => ms(f.p99OutageMs)],
    ["seconds until it was known", (f) => orNever(f.detectedS)],
    ["calls to the dead primary until then", (f) => String(f.wastedBefore)],
    [`and after that (probes allow ${allowed})`, (f) => orNone(f.wasted, String)],
    ["seconds from its return until it had the load", (f) => orNever(f.recoveredS)],
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
