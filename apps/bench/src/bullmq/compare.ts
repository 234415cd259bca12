import { median } from "./median.ts";
import type { Stage } from "./stage.ts";
import { type Result, type Row, type Sample, type Scenario, type System, systems } from "./types.ts";

/** A sample is taken again when others used more of a core than this meanwhile, but not for ever. */
const MOST_OTHERS = 0.25;
const MOST_TRIES = 3;

export type Samples = Readonly<Record<System, readonly Sample[]>>;

export interface Comparison {
  readonly results: readonly Result[];
  readonly samples: Samples;
  /** Samples in which others used more of the machine than they may, at the last try too. */
  readonly disturbed: number;
  /** What was not done exactly once, by whom. */
  readonly problems: readonly string[];
}

/** Both systems in turns, and the other one first every second round. */
export async function compare(scenario: Scenario, stage: Stage, rounds: number): Promise<Comparison> {
  const samples: Record<System, Sample[]> = { ours: [], bullmq: [] };
  try {
    await scenario.prepare?.(stage);
    const take = async (system: System): Promise<unknown> =>
      samples[system].push(await takeUndisturbed(scenario, stage, system));
    for (let round = 0; round < rounds; round += 1)
      // The short form holds counts, so nobody has to wait for the other.
      if (stage.isSmoke) await Promise.all(systems.map(take));
      else for (const system of round % 2 === 0 ? systems : systems.toReversed()) await take(system);
  } finally {
    await scenario.undo?.(stage);
  }
  const problems = systems.flatMap((system) =>
    samples[system].flatMap((sample) => sample.problems.map((problem) => `${system}: ${problem}`)),
  );
  return {
    results: scenario.rows.map((row) => resultOf(row, samples)),
    samples,
    disturbed: [...samples.ours, ...samples.bullmq].filter(isDisturbed).length,
    problems,
  };
}

async function takeUndisturbed(scenario: Scenario, stage: Stage, system: System): Promise<Sample> {
  for (let left = MOST_TRIES; ; left -= 1) {
    const sample = await scenario.take(stage, system);
    if (left === 1 || !isDisturbed(sample)) return sample;
  }
}

function isDisturbed({ others = 0 }: Sample): boolean {
  return others > MOST_OTHERS;
}

function resultOf({ name, figure, unit, ratioOf = figure }: Row, samples: Samples): Result {
  const rounds = samples.ours.map((ours, n) => {
    const of = (sample: Sample | undefined, what: string): number => sample?.figures[what] ?? Number.NaN;
    const bullmq = samples.bullmq[n];
    return {
      ours: of(ours, figure),
      bullmq: of(bullmq, figure),
      ratio: of(ours, ratioOf) / of(bullmq, ratioOf),
    };
  });
  return {
    name,
    ratioToBullmq: median(rounds.map(({ ratio }) => ratio)),
    ours: median(rounds.map(({ ours }) => ours)),
    bullmq: median(rounds.map(({ bullmq }) => bullmq)),
    unit,
    rounds,
  };
}
