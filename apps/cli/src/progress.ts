import type { Run } from "@understudy/operator";

import { widthOf } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { durationWords } from "./time.ts";
import { count } from "./words/count.ts";

const REDRAW_MS = 100;
const TELL_MS = 10_000;
const WINDOW_MS = 10_000;

interface Sample {
  readonly at: number;
  readonly seen: number;
}

/** Draws how far a run is: over one line of a terminal, or as a line now and then where nobody draws. */
export interface Progress {
  readonly show: (run: Run) => void;
  /** Leaves what is drawn for good, and goes to the next line. */
  end(): void;
}

export function openProgress(
  terminal: Pick<Terminal, "drawsProgress" | "remark">,
  now: () => number,
  stderr: Pick<NodeJS.WriteStream, "columns" | "write"> = process.stderr,
): Progress {
  const samples: Sample[] = [];
  let shownAt = -Infinity;
  let latest: Run | undefined;
  const draw = (run: Run): void => {
    stderr.write(`\r\u001B[2K${progressLine(run, rateOf(samples), (stderr.columns || 80) - 1)}`);
  };
  return {
    show(run) {
      const at = now();
      samples.push({ at, seen: run.seen });
      while ((samples[1]?.at ?? Infinity) < at - WINDOW_MS) samples.shift();
      latest = run;
      if (at - shownAt < (terminal.drawsProgress ? REDRAW_MS : TELL_MS)) return;
      const isFirst = shownAt === -Infinity;
      shownAt = at;
      if (terminal.drawsProgress) draw(run);
      else if (!isFirst) terminal.remark(progressLine(run, rateOf(samples), 200));
    },
    end() {
      if (!terminal.drawsProgress || latest === undefined) return;
      draw(latest);
      stderr.write("\n");
    },
  };
}

/** A second, over the last ten; undefined while there is too little to go by. */
export function rateOf(samples: readonly Sample[]): number | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < 500) return undefined;
  return ((last.seen - first.seen) * 1000) / (last.at - first.at);
}

/** "[#####.....] 52% 520/1,000  9.9/s  48 s left  3 left alone" */
export function progressLine(
  { seen, done, total, perSecond }: Pick<Run, "seen" | "done" | "total" | "perSecond">,
  rate: number | undefined,
  width: number,
): string {
  const share = total === 0 ? 1 : Math.min(1, seen / total);
  const left = seen - done;
  const leftMs = (Math.max(0, total - seen) / (rate === undefined || rate === 0 ? perSecond : rate)) * 1000;
  const words = [
    `${Math.floor(share * 100)}%`.padStart(4),
    ` ${count(seen)}/${count(total)}`,
    ...(rate === undefined ? [] : [`  ${rate.toFixed(1)}/s`]),
    ...(seen < total ? [`  ${durationWords(leftMs)} left`] : []),
    ...(left > 0 ? [`  ${count(left)} left alone`] : []),
  ].join("");
  const room = Math.min(30, width - widthOf(words) - 3);
  if (room < 5) return words.slice(0, width);
  const full = Math.round(share * room);
  return `[${"#".repeat(full)}${".".repeat(room - full)}]${words}`;
}
