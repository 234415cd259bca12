import { createHash } from "node:crypto";

import { effectOfOutcome, type Outcome, pseudoProviders, standing, type Trail } from "@understudy/core";
import type { GroupOf } from "@understudy/queue";

import type { DeadLetter } from "./dead-letter.ts";
import type { FacetFailure, Facets } from "./filter.ts";

/** What a letter has in common with its like, and the fingerprint of that. */
export function groupOf(letter: DeadLetter, trail: Trail): GroupOf {
  const { job, cause, effect } = letter;
  const facets: Facets = { job, cause, effect, failures: failuresOf(trail) };
  // Where no provider was at fault, only the words tell one cause from another.
  const words = facets.failures.length === 0 ? alike(letter.reason) : "";
  const group = createHash("sha256")
    .update(JSON.stringify([facets, words]))
    .digest("hex")
    .slice(0, 12);
  return { group, facets: JSON.stringify(facets) };
}

/** @param facets JSON, as `groupOf` wrote it */
export function readFacets(facets: string): Facets {
  return JSON.parse(facets) as Facets;
}

function failuresOf(trail: Trail): readonly FacetFailure[] {
  const last = new Map<string, string>();
  for (const outcome of standing(trail)) {
    if (isFailure(outcome)) last.set(outcome.provider, outcome.code);
  }
  return [...last].map(([provider, code]) => ({ provider, code })).toSorted(byProvider);
}

/** A provider that was only not asked, for its circuit was open, is no cause. */
function isFailure(outcome: Outcome): outcome is Extract<Outcome, { readonly code: string }> {
  const isAnswer = outcome.kind !== "delivered" && outcome.kind !== "withheld" && outcome.provesNone !== true;
  return isAnswer && !(pseudoProviders.has(outcome.provider) && effectOfOutcome(outcome) === "none");
}

function byProvider(one: FacetFailure, other: FacetFailure): number {
  return one.provider < other.provider ? -1 : 1;
}

/** Without what differs from one letter to the next: addresses, ids, numbers, and what stands in quotation marks. */
function alike(reason: string): string {
  return reason
    .replaceAll(/"[^"]*"|'[^']*'/gu, "…")
    .replaceAll(/\S+@\S+/gu, "…")
    .replaceAll(/\b[\da-f]{8,}\b|\d+/giu, "…")
    .slice(0, 200);
}
