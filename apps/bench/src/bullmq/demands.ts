import type { Requirement } from "../requirements.ts";
import type { Demand, Result, Row } from "./types.ts";

/** What a row must show, if anything. */
export function requirementsOf(
  { name, unit, requires, beside = "bare BullMQ" }: Row,
  result: Result,
): readonly Requirement[] {
  if (requires === undefined) return [];
  const { of, atLeast = -Infinity, atMost = Infinity } = requires;
  const value = of === "ratio" ? result.ratioToBullmq : result.ours;
  const what = of === "ratio" ? `times ${beside}` : unit;
  return [
    {
      what: `${name} ${boundOf(requires)} ${what}, and not ${value.toFixed(2)}`,
      isMet: value >= atLeast && value <= atMost,
    },
  ];
}

/** What is required cannot be left out in silence. */
export function unmeasured(rows: readonly Row[], why: string): readonly Requirement[] {
  return rows
    .filter(({ requires }) => requires !== undefined)
    .map(({ name }) => ({ what: `${name} is measured, and this machine ${why}`, isMet: false }));
}

export function boundOf({ atLeast, atMost }: Demand): string {
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
}
