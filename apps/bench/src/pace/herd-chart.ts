import type { World } from "./herd-world.ts";
import type { Told } from "./herd.ts";

const width = 760;
const height = 420;
const plot = { left: 64, right: 20, top: 84, bottom: 44 };
const colours = ["#c4442b", "#1a7f4b", "#2f6fd0"];
const BUCKET_SECONDS = 5;

/** Calls at the provider over time, on a logarithmic scale: the ways differ by orders of magnitude. */
export function herdChart(told: readonly Told[], world: World): string {
  const { healthySeconds, outageSeconds, capacityPerSecond } = world;
  const series = told.map(({ herd }) => bucketed(herd.calls));
  const seconds = Math.max(...series.map((points) => points.length)) * BUCKET_SECONDS;
  const most = 10 ** Math.ceil(Math.log10(Math.max(10, ...series.flat())));
  const x = (second: number): number => plot.left + (second / seconds) * (width - plot.left - plot.right);
  const y = (calls: number): number =>
    height - plot.bottom - (Math.log10(calls + 1) / Math.log10(most + 1)) * (height - plot.top - plot.bottom);
  const ticks = [0, 10, 100, 1000, 10_000, 100_000].filter((calls) => calls <= most);
  const minutes = Array.from({ length: Math.floor(seconds / 600) + 1 }, (_, nth) => nth * 10);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Calls a second at a provider that is out for ten minutes, by way of retrying">
<style>text{fill:#24292f}.name{fill:#6b7280}.label{font-weight:600}.bg{fill:#fff}.out{fill:#8882}.grid{stroke:#8884}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.name{fill:#9ca3af}.bg{fill:#0d1117}}</style>
<rect class="bg" width="${width}" height="${height}"/>
<text x="20" y="28" font-size="17" class="label">Calls a second at a provider that is out for ${outageSeconds / 60} minutes</text>
<text x="20" y="48" class="name">${world.arrivalsPerSecond} jobs a second, ${world.slots} slots, virtual time; logarithmic, means of ${BUCKET_SECONDS} s</text>
${told.map(({ name }, nth) => `<rect x="${20 + nth * 215}" y="59" width="12" height="12" fill="${colours[nth]}"/><text x="${38 + nth * 215}" y="70">${name}</text>`).join("")}
<rect class="out" x="${x(healthySeconds).toFixed(1)}" y="${plot.top}" width="${(x(outageSeconds) - x(0)).toFixed(1)}" height="${height - plot.top - plot.bottom}"/>
<text class="name" x="${(x(healthySeconds) + 6).toFixed(1)}" y="${plot.top + 16}">out</text>
${ticks.map((calls) => `<line class="grid" x1="${plot.left}" x2="${width - plot.right}" y1="${y(calls).toFixed(1)}" y2="${y(calls).toFixed(1)}"/><text class="name" x="${plot.left - 8}" y="${(y(calls) + 4).toFixed(1)}" text-anchor="end">${calls}</text>`).join("")}
${minutes.map((minute) => `<text class="name" x="${x(minute * 60).toFixed(1)}" y="${height - plot.bottom + 20}" text-anchor="middle">${minute} min</text>`).join("")}
<line x1="${plot.left}" x2="${width - plot.right}" y1="${y(capacityPerSecond).toFixed(1)}" y2="${y(capacityPerSecond).toFixed(1)}" stroke="#8b8b8b" stroke-dasharray="5 4"/>
<text class="name" x="${width - plot.right}" y="${(y(capacityPerSecond) - 5).toFixed(1)}" text-anchor="end">what it can do: ${capacityPerSecond}</text>
${series.map((points, nth) => `<polyline fill="none" stroke="${colours[nth]}" stroke-width="1.6" points="${points.map((calls, at) => `${x(at * BUCKET_SECONDS).toFixed(1)},${y(calls).toFixed(1)}`).join(" ")}"/>`).join("\n")}
</svg>
`;
}

function bucketed(calls: readonly number[]): readonly number[] {
  const points: number[] = [];
  for (let at = 0; at < calls.length; at += BUCKET_SECONDS) {
    const some = calls.slice(at, at + BUCKET_SECONDS);
    points.push(some.reduce((sum, count) => sum + count, 0) / some.length);
  }
  return points;
}
