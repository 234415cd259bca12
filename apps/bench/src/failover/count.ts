import type { Stage } from "./stage.ts";
import type { Fate, System } from "./system.ts";
import { chargeRoute, handfuls, idOf, isDeclined, type Kind, mailRoute } from "./workload.ts";

export interface Figures {
  readonly charges: {
    /** Unknown to the queue; or said to be done and not at any provider; or said to be declined, with a good card. */
    readonly lost: number;
    /** Charges beyond the first of a job, counted at the providers. */
    readonly duplicated: number;
    /** Jobs that were charged by two providers. */
    readonly atTwoProviders: number;
    /** Neither ended nor held. */
    readonly unresolved: number;
    /** Dead-lettered with effect maybe: they wait for a look-up or a person. */
    readonly held: number;
    /** Said to have failed without effect, or just to have failed, and charged all the same. */
    readonly misreported: number;
    readonly declined: number;
    /** Done, and found out, or not found, by a look-up. */
    readonly lookedUp: number;
    /** Dead letters that are no part of the above. */
    readonly gaveUp: number;
  };
  readonly mails: {
    readonly lost: number;
    readonly duplicated: number;
    /** Of these, those that the job's trail had not marked as possible. */
    readonly unlabelledDuplicates: number;
    readonly unresolved: number;
    readonly held: number;
    readonly misreported: number;
    readonly gaveUp: number;
  };
}

interface Counted {
  lost: number;
  duplicated: number;
  unlabelledDuplicates: number;
  atTwoProviders: number;
  unresolved: number;
  held: number;
  misreported: number;
  declined: number;
  lookedUp: number;
  gaveUp: number;
}

/** Holds what the system says against what the providers did. */
export async function count(stage: Stage, system: System, jobs: number): Promise<Figures> {
  const charges = await countKind(stage, system, "charge", chargeRoute, jobs);
  const mails = await countKind(stage, system, "mail", mailRoute, jobs);
  const { unlabelledDuplicates: _, ...ofCharges } = charges;
  const { atTwoProviders: __, declined: ___, lookedUp: ____, ...ofMails } = mails;
  return { charges: ofCharges, mails: ofMails };
}

async function countKind(
  stage: Stage,
  system: System,
  kind: Kind,
  route: readonly string[],
  jobs: number,
): Promise<Counted> {
  const effects = await effectsByJob(stage, route);
  const counted: Counted = {
    lost: 0,
    duplicated: 0,
    unlabelledDuplicates: 0,
    atTwoProviders: 0,
    unresolved: 0,
    held: 0,
    misreported: 0,
    declined: 0,
    lookedUp: 0,
    gaveUp: 0,
  };
  for (const numbers of handfuls(jobs)) {
    const fates = await Promise.all(numbers.map((n) => system.fateOf(kind, n)));
    for (const [i, n] of numbers.entries())
      add(counted, truthOf(n, fates[i]), effects.get(idOf[kind](n)) ?? []);
  }
  return counted;
}

/** How often each provider had each job's effect, in the order of the route. */
async function effectsByJob(
  { sandbox }: Stage,
  route: readonly string[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const counts = new Map<string, number[]>();
  for (const [index, provider] of route.entries())
    for await (const { jobId } of sandbox.effectsOf(provider)) {
      if (jobId === undefined) continue;
      const own = counts.get(jobId) ?? route.map(() => 0);
      own[index] = (own[index] ?? 0) + 1;
      counts.set(jobId, own);
    }
  return counts;
}

/** No provider declines a good card: who says so has lost the charge. */
function truthOf(n: number, fate: Fate = { end: "unheard_of" }): Fate {
  return fate.end === "declined" && !isDeclined(n) ? { end: "done", isLabelled: false } : fate;
}

function add(counted: Counted, fate: Fate, effects: readonly number[]): void {
  const copies = effects.reduce((a, b) => a + b, 0);
  const extra = Math.max(0, copies - 1);
  counted.duplicated += extra;
  if (!("isLabelled" in fate && fate.isLabelled)) counted.unlabelledDuplicates += extra;
  if (effects.filter((n) => n > 0).length > 1) counted.atTwoProviders += 1;
  switch (fate.end) {
    case "unheard_of":
      counted.lost += 1;
      return;
    case "open":
      counted.unresolved += 1;
      return;
    case "done":
      if (copies === 0) counted.lost += 1;
      if (fate.wasLookedUp === true) counted.lookedUp += 1;
      return;
    case "declined":
      counted.declined += 1;
      if (copies > 0) counted.misreported += 1;
      return;
    case "dead":
      if (fate.effect === "maybe") counted.held += 1;
      else if (copies > 0) counted.misreported += 1;
      else counted.gaveUp += 1;
  }
}
