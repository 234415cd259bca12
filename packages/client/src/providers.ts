import { type AnyJob, type AnyProvider, type Capability, requestOf, safeParse } from "@understudy/core";

import { EnqueueError } from "./enqueue-error.ts";

/**
 * The deployment's providers by capability, as its workers' ROUTE_… say: `{ "analytics.track": ["segment", "mixpanel"] }`. One
 * given whole, such as `providers.stripe`, is also asked whether it accepts a request, its currency for example.
 */
export type Routes = Readonly<Record<string, readonly (string | AnyProvider)[]>>;

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
  const asksThem = meantFor !== undefined || route?.some((one) => typeof one !== "string") === true;
  const request = asksThem ? requestMadeNow(job, wire) : undefined;
  const own = request === undefined ? undefined : meantFor?.(request.of);
  const isAllowed = (provider: string): boolean =>
    (allowed?.includes(provider) ?? true) && (own?.includes(provider) ?? true);
  const known: readonly (string | AnyProvider)[] | undefined = route ?? own ?? allowed;
  const there = known?.filter((one) => isAllowed(nameOf(one)));
  const refusing = there?.filter((one) => request !== undefined && !accepts(one, job.capability, request.of));
  if (there === undefined || refusing === undefined || refusing.length < there.length) return;
  const among = [
    ...(allowed === undefined ? [] : [`the option providers allows ${allowed.join(", ")} only`]),
    ...(route === undefined ? [] : [`the route of ${name} is ${namesOf(route)}`]),
    ...(refusing.length === 0 ? [] : [`what it asks is not accepted by ${namesOf(refusing)}`]),
  ].join(", and ");
  if (own === undefined && refusing.length === 0)
    throw new EnqueueError("option_invalid", `${what}: nobody is left who may serve it: ${among}.`);
  const subject = own === undefined ? ":" : ` is meant for ${own.join(", ")}, but`;
  throw new EnqueueError(
    "payload_invalid",
    `The payload of ${what}${subject} ${among}: nobody is left who may serve it.`,
  );
}

/** Undefined where the request cannot be made yet. */
function requestMadeNow(job: AnyJob, wire: unknown): { readonly of: unknown } | undefined {
  const payload = safeParse(job.payload, wire);
  if (payload.success && job.after?.job(payload.data) !== undefined) return undefined;
  const requested = requestOf(job, wire);
  return requested.ok ? { of: requested.request } : undefined;
}

/** Of one that is only named nothing is known. */
function accepts(provider: string | AnyProvider, { name }: Capability, request: unknown): boolean {
  if (typeof provider === "string") return true;
  const implementation = provider.adapters.find(({ capability }) => capability.name === name);
  return implementation !== undefined && (implementation.accepts?.(request) ?? true);
}

function nameOf(provider: string | AnyProvider): string {
  return typeof provider === "string" ? provider : provider.name;
}

function namesOf(providers: readonly (string | AnyProvider)[]): string {
  return providers.map(nameOf).join(", ");
}

/** The sinks that are each to get a job. @throws EnqueueError option_invalid when nobody said which there are */
export function sinksOf(
  what: string,
  { capability }: AnyJob,
  wanted: readonly string[] | undefined,
  routes: Routes,
): readonly string[] {
  const sinks = wanted ?? routes[capability.name]?.map(nameOf) ?? [];
  if (sinks.length > 0) return [...new Set(sinks)];
  throw new EnqueueError(
    "option_invalid",
    `${what} goes to every sink of ${capability.name}: tell createClient which there are, as in routes: { "${capability.name}": ["segment"] }, or name them in the option providers.`,
  );
}
