import * as z from "zod";

import { type Cause, causes } from "./verdict.ts";

/** How a job's life ended, when it did not end in success. */
export interface Ending {
  readonly cause: Cause;
  readonly effect: "none" | "maybe";
  /** In words, when the trail does not say it. */
  readonly reason?: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What somebody did to a job whose life had ended. */
export interface Past {
  readonly did: "redriven" | "looked_up" | "released" | "edited";
  /** Epoch milliseconds. */
  readonly at: number;
  readonly by: string;
  /** Why, in their words. */
  readonly reason: string;
  /** How its life had ended then. */
  readonly ended: Ending;
  /** The provider that was chosen for the next life. */
  readonly provider?: string;
  /** The bulk action that it was part of. */
  readonly run?: string;
  /** The payload's paths that were edited. */
  readonly paths?: readonly string[];
}

export const endingSchema: z.ZodType<Ending> = z.object({
  cause: z.enum(causes),
  effect: z.enum(["none", "maybe"]),
  reason: z.string().optional(),
  at: z.number().nonnegative(),
}) as z.ZodType<Ending>;

export const pastSchema: z.ZodType<Past> = z.object({
  did: z.enum(["redriven", "looked_up", "released", "edited"]),
  at: z.number().nonnegative(),
  by: z.string(),
  reason: z.string(),
  ended: endingSchema,
  provider: z.string().optional(),
  run: z.string().optional(),
  paths: z.array(z.string()).optional(),
}) as z.ZodType<Past>;

const KEEP = 20;

/** With one more; of very many the first and the latest stay. */
export function withPast(before: readonly Past[] | undefined, one: Past): readonly Past[] {
  const all = [...(before ?? []), one];
  return all.length <= KEEP ? all : [...all.slice(0, 1), ...all.slice(1 - KEEP)];
}
