import { type AnyJob, requestOf } from "@understudy/core";

import { EnqueueError } from "./enqueue-error.ts";

/** The deployment's providers by capability: `{ "analytics.track": ["segment", "mixpanel"] }`, as its workers' ROUTE_… say. */
export type Routes = Readonly<Record<string, readonly string[]>>;

/**
 * Finds out before a job is stored whether any provider is left that may serve it.
 * @param allowed the job's allow-list, if it has one
 * @throws EnqueueError payload_invalid, option_invalid
 */
export function checkProviders(
  what: string,
  job: AnyJob,
  wire: unknown,
  allowed: readonly string[] | undefined,
  routes: Routes,
): void {
  const { name, meantFor, sinks } = job.capability;
  const route = sinks === true ? undefined : routes[name];
  const own = meantFor === undefined ? undefined : meantOf(job, wire);
  const isPossible = (provider: string): boolean =>
    (route?.includes(provider) ?? true) && (allowed?.includes(provider) ?? true);
  const wanted = own ?? allowed ?? route;
  if (wanted === undefined || wanted.some(isPossible)) return;
  const among = [
    ...(allowed === undefined ? [] : [`the option providers allows ${allowed.join(", ")} only`]),
    ...(route === undefined ? [] : [`the route of ${name} is ${route.join(", ")}`]),
  ].join(", and ");
  if (own === undefined)
    throw new EnqueueError("option_invalid", `${what}: nobody is left who may serve it: ${among}.`);
  throw new EnqueueError(
    "payload_invalid",
    `The payload of ${what} is meant for ${own.join(", ")}, but ${among}: nobody is left who may serve it.`,
  );
}

/** Undefined where the request cannot be made yet. */
function meantOf(job: AnyJob, wire: unknown): readonly string[] | undefined {
  const payload = job.payload.safeParse(wire);
  if (payload.success && job.after?.job(payload.data) !== undefined) return undefined;
  const requested = requestOf(job, wire);
  return requested.ok ? job.capability.meantFor?.(requested.request) : undefined;
}

/** The sinks that are each to get a job. @throws EnqueueError option_invalid when nobody said which there are */
export function sinksOf(
  what: string,
  { capability }: AnyJob,
  wanted: readonly string[] | undefined,
  routes: Routes,
): readonly string[] {
  const sinks = wanted ?? routes[capability.name] ?? [];
  if (sinks.length > 0) return [...new Set(sinks)];
  throw new EnqueueError(
    "option_invalid",
    `${what} goes to every sink of ${capability.name}: tell createClient which there are, as in routes: { "${capability.name}": ["segment"] }, or name them in the option providers.`,
  );
}
