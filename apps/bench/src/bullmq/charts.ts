import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { scenarios } from "./scenarios/index.ts";
import type { Demand, Result } from "./types.ts";

const width = 860;
const left = 190;
const right = 70;
const top = 74;
const rowHeight = 26;
const barHeight = 16;
const colours = { met: "#1a7f4b", missed: "#c4442b", free: "#4a7bb5" } as const;

interface Chart {
  readonly file: string;
  readonly title: string;
  readonly better: "longer" | "shorter";
  readonly groups: readonly string[];
}

/** Where more is better, and where less is. */
const charts: readonly Chart[] = [
  {
    file: "bullmq-throughput.svg",
    title: "Throughput, times that of bare BullMQ",
    better: "longer",
    groups: ["enqueue", "process", "end-to-end", "call", "backlog"],
  },
  {
    file: "bullmq-latency.svg",
    title: "Time and memory, times those of bare BullMQ",
    better: "shorter",
    groups: ["pickup", "memory", "start-up"],
  },
];

const rows = scenarios.flatMap(({ group, rows }) => rows.map((row) => ({ group, ...row })));

/** Draws what was measured into the folder. */
export function writeCharts(folder: string, results: readonly Result[], subtitle: string): void {
  mkdirSync(folder, { recursive: true });
  for (const chart of charts) {
    const bars = results.flatMap((result) => {
      const row = rows.find(({ name }) => name === result.name);
      return row !== undefined && chart.groups.includes(row.group)
        ? [{ ...result, demand: row.requires }]
        : [];
    });
    if (bars.length > 0) writeFileSync(join(folder, chart.file), draw(chart, bars, subtitle));
  }
}

type Bar = Result & { readonly demand: Demand | undefined };

/** A bar each, from 0; the line at 1 is bare BullMQ, and the mark what is required of the ratio. */
function draw({ title, better }: Chart, bars: readonly Bar[], subtitle: string): string {
  const height = top + bars.length * rowHeight + 44;
  const most = Math.max(1.2, ...bars.flatMap((bar) => [bar.ratioToBullmq, boundOf(bar.demand) ?? 0])) * 1.05;
  const x = (ratio: number): number => left + (ratio / most) * (width - left - right);
  const bottom = top + bars.length * rowHeight;
  const step = most > 3 ? 1 : 0.5;
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, n) => n * step);
  const grid = ticks.map((tick) => {
    const at = x(tick).toFixed(1);
    return `<line x1="${at}" x2="${at}" y1="${top - 6}" y2="${bottom}" class="${tick === 1 ? "bare" : "grid"}"/><text x="${at}" y="${bottom + 16}" text-anchor="middle" class="small">${tick}</text>`;
  });
  const [machine = ""] = subtitle.split("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<style>text{font:13px system-ui,sans-serif;fill:#333}.small{font-size:11px;fill:#666}.title{font-weight:600}.grid{stroke:#8884}.bare{stroke:#333;stroke-dasharray:4 3}.mark{stroke:#333;stroke-width:2}@media(prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#aaa}.bare,.mark{stroke:#ddd}}</style>
<text x="16" y="22" class="title">${title}</text><text x="16" y="40" class="small">${escaped(machine)}</text>
<text x="16" y="56" class="small">${better} is better; dashed: bare BullMQ; the mark: what is required</text>
${[...grid, ...bars.map((bar, n) => drawBar(bar, top + n * rowHeight, x))].join("\n")}
</svg>
`;
}

function drawBar({ name, ratioToBullmq, demand }: Bar, y: number, x: (ratio: number) => number): string {
  const bound = boundOf(demand);
  const end = x(ratioToBullmq);
  const mark =
    bound === undefined
      ? ""
      : `<line x1="${x(bound).toFixed(1)}" x2="${x(bound).toFixed(1)}" y1="${y - 2}" y2="${y + barHeight + 2}" class="mark"/>`;
  return `<text x="${left - 10}" y="${y + 13}" text-anchor="end">${name}</text><rect x="${left}" y="${y}" width="${(end - left).toFixed(1)}" height="${barHeight}" rx="2" fill="${colourOf(ratioToBullmq, demand)}"/>${mark}<text x="${(Math.max(end, x(bound ?? 0)) + 8).toFixed(1)}" y="${y + 13}">${ratioToBullmq.toFixed(2)}</text>`;
}

/** Of the ratio; what is required of our own figure alone has no place on this scale. */
function boundOf(demand: Demand | undefined): number | undefined {
  return demand?.of === "ratio" ? (demand.atLeast ?? demand.atMost) : undefined;
}

function colourOf(ratio: number, demand: Demand | undefined): string {
  if (demand?.of !== "ratio") return colours.free;
  const { atLeast = -Infinity, atMost = Infinity } = demand;
  return ratio >= atLeast && ratio <= atMost ? colours.met : colours.missed;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
