import type { CapabilityView, Directive, ProviderView } from "@understudy/operator";

import { plain } from "../plain.ts";
import type { Column } from "../table.ts";
import { clockTime, shortAge } from "../time.ts";
import { count } from "./count.ts";

type Row = CapabilityView & { readonly provider: string };

/** By capability, and within one in the order of its route. */
export function healthRows(views: readonly ProviderView[]): readonly Row[] {
  return views
    .flatMap(({ provider, capabilities }) => capabilities.map((view) => ({ provider, ...view })))
    .toSorted(
      (one, other) =>
        one.capability.localeCompare(other.capability) ||
        (one.place ?? Infinity) - (other.place ?? Infinity) ||
        0,
    );
}

export function healthColumns(now: number): readonly Column<Row>[] {
  const right = "right" as const;
  const share = (title: string, of: (row: Row) => number, from = 0): Column<Row> => ({
    title,
    value: (row) => (row.calls === 0 ? "–" : percent(of(row))),
    align: right,
    from,
  });
  const latency = (part: "p50" | "p95" | "p99", from: number): Column<Row> => ({
    title: part,
    value: (row) => (row.latency === undefined ? "–" : milliseconds(row.latency[part])),
    align: right,
    from,
  });
  return [
    { title: "capability", value: ({ capability }) => plain(capability), min: 8 },
    { title: "provider", value: ({ provider }) => plain(provider), min: 6 },
    { title: "state", value: (row) => plain(stateWords(row, now)), min: 12 },
    { title: "calls", value: ({ calls }) => count(calls), align: right },
    share("error", ({ errorRate }) => errorRate),
    share("unknown", ({ unknownRate }) => unknownRate, 110),
    share("slow", ({ slowRate }) => slowRate, 110),
    latency("p50", 130),
    latency("p95", 90),
    latency("p99", 130),
    share("share", ({ trafficShare }) => trafficShare),
    {
      title: "directive",
      value: ({ directive }) => (directive === undefined ? "–" : plain(directiveWords(directive))),
      min: 8,
      from: 60,
    },
  ];
}

/** "open 4 min (failure_rate)" */
function stateWords({ state, reason, since, openOnWorkers, workers }: CapabilityView, now: number): string {
  const alone = openOnWorkers === 0 ? "" : `, open on ${openOnWorkers} of ${workers}`;
  if (state.at === "closed") return `closed${alone}`;
  const at = state.at === "half_open" ? `half open ${Math.round(100 * state.share)} %` : state.at;
  return `${at} ${shortAge(since, now)} (${reason})`;
}

/** "divert by ada until 2026-11-24 08:38:18Z: slow since noon" */
/** "sendgrid: isolate by ada: it drops mails; no live worker has it on a route." */
export function unroutedWords(views: readonly ProviderView[]): readonly string[] {
  return views.flatMap(({ provider, directive }) =>
    directive === undefined
      ? []
      : `${provider}: ${directiveWords(directive)}; no live worker has it on a route.`,
  );
}

function directiveWords({ verb, by, until, reason }: Directive): string {
  return `${verb} by ${by}${until === undefined ? "" : ` until ${clockTime(until)}`}: ${reason}`;
}

/** "0 %", "0.4 %", "37 %" */
function percent(share: number): string {
  const number = 100 * share;
  return `${number > 0 && number < 10 ? number.toFixed(1) : Math.round(number)} %`;
}

function milliseconds(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`;
}
