import type { Seconds } from "./figures.ts";
import type { Play } from "./run.ts";
import { type System, systems, titles } from "./settings.ts";

const colours: Readonly<Record<System, string>> = { fleet: "#1a7f4b", alone: "#d9962b", plain: "#c4442b" };
const words = { ok: "well", refuse: "refuses connections", hang: "hangs", "503": "answers 503" } as const;

const width = 860;
const left = 64;
const right = 16;
const panelHeight = 150;
const top = 64;
const gap = 46;

type Results = Readonly<Record<System, Seconds>>;

interface Panel {
  readonly title: string;
  readonly of: (seconds: Seconds) => readonly number[];
  /** Powers of ten are as far apart as each other. */
  readonly isLogarithmic?: true;
}

const panels: readonly Panel[] = [
  { title: "mails that arrived, per second", of: ({ arrived }) => arrived },
  {
    title: "p99 from enqueue to arrival, ms, by when it was enqueued",
    of: ({ p99Ms }) => p99Ms,
    isLogarithmic: true,
  },
  { title: "calls to the primary, per second", of: ({ callsToPrimary }) => callsToPrimary },
];

/** What happened second by second, under what was done to the primary. */
export function chart(results: Results, { acts }: Play, subtitle: string): string {
  const total = acts.reduce((sum, { seconds }) => sum + seconds, 0);
  const height = top + panels.length * (panelHeight + gap) + 40;
  const x = (second: number): number => left + (second / total) * (width - left - right);
  let begins = 0;
  const shades = acts.map(({ mood, seconds }) => {
    const from = x(begins);
    begins += seconds;
    const fill = mood === "ok" ? "none" : "#88888822";
    const label = `<text x="${((from + x(begins)) / 2).toFixed(1)}" y="${top - 8}" text-anchor="middle" class="small">${words[mood]}</text>`;
    return `<rect x="${from.toFixed(1)}" y="${top}" width="${(x(begins) - from).toFixed(1)}" height="${height - top - 50}" fill="${fill}"/>${label}`;
  });
  const drawn = panels.map((panel, n) => draw(panel, results, top + 20 + n * (panelHeight + gap), x));
  const legend = systems.map(
    (system, n) =>
      `<g transform="translate(${left + n * 260}, ${height - 18})"><line x2="22" y1="-4" y2="-4" stroke="${colours[system]}" stroke-width="3"/><text x="28" class="small">${titles[system]}</text></g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Throughput, latency and calls to the primary through an outage">
<style>text{font:13px system-ui,sans-serif;fill:#333}.small{font-size:11px;fill:#666}.title{font-weight:600}@media(prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#aaa}}</style>
<text x="${left}" y="20" class="title">The primary dies in three ways and returns</text><text x="${left}" y="38" class="small">${subtitle}</text>
${[...shades, ...drawn, ...legend].join("\n")}
</svg>
`;
}

function draw(panel: Panel, results: Results, y0: number, x: (second: number) => number): string {
  const most = Math.max(10, ...systems.flatMap((system) => panel.of(results[system])));
  const ceiling = panel.isLogarithmic ? 10 ** Math.ceil(Math.log10(most)) : most * 1.05;
  const share = (value: number): number =>
    panel.isLogarithmic
      ? Math.max(0, Math.log10(Math.max(value, 10) / 10) / Math.log10(ceiling / 10))
      : value / ceiling;
  const y = (value: number): number => y0 + panelHeight * (1 - share(value));
  const ticks = panel.isLogarithmic ? powers(10, ceiling) : [0, Math.round(most / 2), Math.round(most)];
  const grid = ticks.map(
    (tick) =>
      `<line x1="${left}" x2="${width - right}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}" stroke="#8884"/><text x="${left - 6}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end" class="small">${tick.toLocaleString("en")}</text>`,
  );
  const lines = systems.toReversed().map((system) => {
    const points = panel
      .of(results[system])
      .map((value, n) => `${x(n + 0.5).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline points="${points.join(" ")}" fill="none" stroke="${colours[system]}" stroke-width="2"/>`;
  });
  return `<text x="${left}" y="${y0 - 6}" class="small">${panel.title}</text>${[...grid, ...lines].join("")}`;
}

function powers(from: number, to: number): readonly number[] {
  const all: number[] = [];
  for (let power = from; power <= to; power *= 10) all.push(power);
  return all;
}
