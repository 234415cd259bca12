import type { Transition } from "@understudy/operator";

import { plain } from "../plain.ts";
import type { Column } from "../table.ts";
import { clockTime, shortAge } from "../time.ts";

interface Line {
  readonly at: number;
  readonly subject: string;
  readonly what: string;
  readonly reason: string;
  readonly by: string;
}

export function historyLines(transitions: readonly Transition[]): readonly Line[] {
  return transitions.map((one) => {
    const { at, provider, capability, reason, by } = one;
    const subject = capability === undefined ? provider : `${provider} ${capability}`;
    return { at, subject, what: whatOf(one), reason, by };
  });
}

/** "closed -> open", "half open 5 %", "divert until …" */
function whatOf(one: Transition): string {
  if (one.what === "directive")
    return one.until === undefined || one.verb === "restore" || one.verb === "expire"
      ? one.verb
      : `${one.verb} until ${clockTime(one.until)}`;
  const share = one.share === undefined || one.share === 0 ? "" : ` ${Math.round(100 * one.share)} %`;
  const from = one.from === one.to ? "" : `${one.from} -> `;
  return `${from}${one.to}${share}`.replaceAll("half_open", "half open");
}

export function historyColumns(now: number): readonly Column<Line>[] {
  return [
    { title: "when", value: ({ at }) => clockTime(at), from: 100 },
    { title: "ago", value: ({ at }) => shortAge(at, now), align: "right" },
    { title: "provider", value: ({ subject }) => plain(subject), min: 10 },
    { title: "what", value: ({ what }) => plain(what), min: 10 },
    { title: "reason", value: ({ reason }) => plain(reason), min: 8 },
    { title: "by", value: ({ by }) => plain(by), min: 8, from: 70 },
  ];
}
