import type { CapabilityView, ProviderView, Transition } from "@understudy/operator";
import { html } from "ghtml";

import { duration, pill, when } from "./format.ts";
import { type Segment, segmentsOf } from "./strip.ts";

const SHOWN = 20;
const HOUR = 3_600_000;
/** How often the strips move on; they need not be drawn anew every second. */
const STEP_MS = 15_000;

/** The last hour of each provider as a strip, and the last changes in words. */
export function timeline(
  providers: readonly ProviderView[],
  transitions: readonly Transition[],
  now: number,
): string {
  const views = providers
    .flatMap(({ provider, capabilities }) => capabilities.map((view) => ({ provider, ...view })))
    .toSorted(
      (one, other) =>
        one.capability.localeCompare(other.capability) ||
        (one.place ?? Infinity) - (other.place ?? Infinity) ||
        0,
    );
  const strips = views.map((view) => stripOf(view, transitions, now));
  const lines = transitions.slice(0, SHOWN).map(lineOf);
  return html`!${strips.length === 0 ? "" : stripTable(strips)}
  !${
    lines.length === 0
      ? html`<p class="empty">No circuit has opened yet, and nobody has said anything of a provider.</p>`
      : html`<ol class="timeline">
          !${lines}
        </ol>`
  }`;
}

function stripTable(strips: readonly string[]): string {
  const key = (at: Segment["at"], words: string): string =>
    html`<span
      ><svg class="key" viewBox="0 0 12 12" aria-hidden="true">!${bar(at, 0, 12)}</svg> ${words}</span
    >`;
  return html`<table class="strips">
    <caption>
      The last hour, up to now
      <span class="keys-of-strips"
        >!${key("closed", "closed")} !${key("half_open", "half open")} !${key("open", "open")}
        !${key("isolated", "isolated")}</span
      >
    </caption>
    <thead class="visually-hidden">
      <tr>
        <th scope="col">Provider</th>
        <th scope="col">Its circuit</th>
      </tr>
    </thead>
    <tbody>
      !${strips}
    </tbody>
  </table>`;
}

const WIDTH = 720;
const HEIGHT = 12;

function stripOf(
  view: CapabilityView & { readonly provider: string },
  transitions: readonly Transition[],
  now: number,
): string {
  const to = Math.ceil(now / STEP_MS) * STEP_MS;
  const from = to - HOUR;
  const segments = segmentsOf(transitions, view, { from, to, now: view.state.at });
  const bars = segments.map((one) =>
    bar(one.at, (WIDTH * (one.from - from)) / HOUR, (WIDTH * (one.to - one.from)) / HOUR),
  );
  return html`<tr>
    <th scope="row">${view.provider} <small>${view.capability}</small></th>
    <td>
      <svg
        class="strip"
        viewBox="0 0 ${WIDTH} ${HEIGHT}"
        preserveAspectRatio="none"
        role="img"
        aria-label="${inWords(segments)}"
      >
        !${bars}
      </svg>
    </td>
  </tr>`;
}

/** The height tells the states apart as well as the colour does. */
const heights: Readonly<Record<Segment["at"], number>> = { closed: 2, half_open: 7, open: 12, isolated: 12 };
/** What lasted for a moment is still to be seen. */
const LEAST = 2;

function bar(at: Segment["at"], x: number, width: number): string {
  const height = heights[at];
  const shape = html`x="${x.toFixed(1)}" y="${HEIGHT - height}"
  width="${Math.max(at === "closed" ? 0 : LEAST, width).toFixed(1)}" height="${height}"`;
  const gap =
    at === "isolated" && width > LEAST
      ? html`<rect class="gap" x="${x.toFixed(1)}" y="5" width="${width.toFixed(1)}" height="2" />`
      : "";
  return html`<rect class="${at}" !${shape} />!${gap}`;
}

/** "closed 54 min, open 4 min 10 s, half open 2 min" */
function inWords(segments: readonly Segment[]): string {
  const sums = new Map<string, number>();
  for (const { at, from, to } of segments) sums.set(at, (sums.get(at) ?? 0) + to - from);
  const parts = [...sums].map(([at, ms]) => `${at.replace("_", " ")} ${duration(ms)}`);
  return parts.length === 1
    ? `${segments[0]?.at.replace("_", " ") ?? "unknown"} all the hour`
    : parts.join(", ");
}

const tones = { closed: "good", half_open: "warn", open: "bad", isolated: "bad" } as const;

function lineOf(one: Transition): string {
  const about = html`<strong>${one.provider}</strong> <small>${one.capability ?? "all of it"}</small>`;
  return html`<li>
    <span class="at">!${when(one.at)}</span>
    <span class="what">!${about} !${one.what === "circuit" ? circuitWords(one) : wordOf(one)}</span>
    <span class="by"><small>${one.by}</small></span>
  </li>`;
}

function circuitWords({ to, share = 0, reason }: Extract<Transition, { readonly what: "circuit" }>): string {
  const words = to === "half_open" ? (share === 0 ? "half open: probe" : `half open: ${share * 100} %`) : to;
  return html`!${pill(words, tones[to])} <small>${reason}</small>`;
}

function wordOf({ verb, until, at, reason }: Extract<Transition, { readonly what: "directive" }>): string {
  if (verb === "expire") return html`!${pill("ended", "good")} <small>its time was over: ${reason}</small>`;
  if (verb === "restore") return html`!${pill("restored", "good")} <small>${reason}</small>`;
  const long = until === undefined ? "without an end" : `for ${duration(until - at)}`;
  return html`!${pill(verb, "warn")} <small>${long}: ${reason}</small>`;
}
