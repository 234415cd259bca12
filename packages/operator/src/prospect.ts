import {
  type AnyJob,
  type AnyProvider,
  effectOfOutcome,
  type Envelope,
  ENVELOPE_VERSION,
  HORIZON_MARGIN_MS,
  type Idempotency,
  openEnvelope,
  problemWith,
  pseudoProviders,
  requestOf,
  standing,
} from "@understudy/core";
import type { DeadLetter, StoredLetter } from "@understudy/dead-letters";

import type { Fate, Prospect } from "./views.ts";

/** What this program knows of the deployment, to tell what a redrive would do. */
export interface Knowledge {
  readonly jobs: ReadonlyMap<string, AnyJob>;
  readonly providers: Readonly<Record<string, AnyProvider>>;
  /** Capability -> providers in order, as live workers told; empty when none did. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
}

interface How {
  readonly provider?: string | undefined;
  readonly now: number;
}

/**
 * The prospects of very many. Whoever moved a letter has read its envelope, and says so by its cause: only where that could not
 * be read, it is looked at closely again.
 */
export function quickProspectOf(stored: StoredLetter | undefined, know: Knowledge, how: How): Prospect {
  const job = stored && know.jobs.get(stored.letter.job);
  if (
    stored === undefined ||
    job === undefined ||
    stored.letter.cause === "invalid" ||
    !isEnvelope(stored.payload)
  )
    return prospectOf(stored, know, how);
  return ofKnown(stored.letter, stored.payload, job, know, how);
}

function isEnvelope(data: unknown): data is Envelope {
  return (
    typeof data === "object" &&
    data !== null &&
    "v" in data &&
    data.v === ENVELOPE_VERSION &&
    "trail" in data &&
    Array.isArray(data.trail)
  );
}

/** @param stored undefined when the letter's data cannot be read */
export function prospectOf(stored: StoredLetter | undefined, know: Knowledge, how: How): Prospect {
  if (stored === undefined) return stuck("unreadable", "Its data is damaged: it can only be discarded.");
  const opened = openEnvelope(stored.payload);
  if (opened.at === "newer")
    return stuck(
      "unreadable",
      `It was written by a newer release (envelope version ${opened.version}): use that one's tools.`,
    );
  if (opened.at === "foreign")
    return stuck(
      "unreadable",
      "Its data is not that of a job of this platform, or is damaged: it can only be discarded.",
    );
  const job = know.jobs.get(stored.letter.job);
  if (job === undefined)
    return stuck(
      "unknown_job",
      `This program knows no job named ${stored.letter.job}: use one of a release that has it.`,
    );
  return ofKnown(stored.letter, opened.envelope, job, know, how);
}

function ofKnown(letter: DeadLetter, envelope: Envelope, job: AnyJob, know: Knowledge, how: How): Prospect {
  const { duplicates } = job.capability;
  const isUnknown = letter.effect === "maybe";
  if (isUnknown && duplicates === "forbidden") return held(envelope, job, know, how);
  const problem = problemWith(job, envelope.payload);
  if (problem !== undefined)
    return stuck(
      "invalid",
      `Today's schema refuses its payload: ${problem}. Edit the payload, or discard it.`,
    );
  const objection = objectionTo(how.provider, envelope, job, know);
  if (objection !== undefined) return stuck("unserved", objection);
  const target = targetOf(envelope, job, know, how.provider);
  const to = target === undefined ? "the first provider of its route" : target;
  const known = target === undefined ? {} : { target };
  if (isUnknown && duplicates === "tolerated")
    return {
      fate: "possible_duplicate",
      ...known,
      isPastHorizon: false,
      sentence: `Nobody knows whether it happened. It would be sent once more, by ${to}: a second copy is possible.`,
    };
  const key = envelope.isEdited === true || !isUnknown ? "under a new key" : "under the same key";
  const again = isLikelyRefusedAgain(letter, envelope)
    ? " It was refused as wrong, and most likely would be again: edit its payload first."
    : "";
  return {
    fate: "safe",
    ...known,
    isPastHorizon: false,
    sentence: `It had no effect. It would go to ${to}, ${key}.${again}`,
  };
}

/** A request that was wrong is wrong wherever it is sent, unless somebody changes it. */
export function isLikelyRefusedAgain(
  { cause }: DeadLetter,
  { isEdited }: Pick<Envelope, "isEdited">,
): boolean {
  return cause === "rejected" && isEdited !== true;
}

/** Nobody knows whether it happened, and it must not happen twice. */
function held(envelope: Envelope, job: AnyJob, { providers }: Knowledge, { now }: How): Prospect {
  const suspects = providersThatMayHaveActed(envelope);
  const [provider] = suspects;
  const implementation =
    suspects.length === 1 && provider !== undefined ? adapterOf(provider, job, providers) : undefined;
  const firstSentAt = envelope.bound?.firstSentAt ?? firstUnknownAt(envelope);
  const isPastHorizon = isForgotten(implementation?.idempotency, firstSentAt, now);
  const forgotten = isPastHorizon
    ? ` ${provider ?? "Its provider"} has forgotten its key, so sending it again would make a second one.`
    : "";
  const known = provider === undefined ? {} : { target: provider };
  if (implementation?.lookUp !== undefined)
    return {
      fate: "needs_look_up",
      ...known,
      isPastHorizon,
      sentence: `Nobody knows whether ${provider} did it, and it must not happen twice.${forgotten} Look it up; or release it, once its absence is seen in ${provider}'s own books.`,
    };
  return {
    fate: "needs_release",
    ...known,
    isPastHorizon,
    sentence: `Nobody knows whether it happened, it must not happen twice, and no provider can be asked.${forgotten} Look into the provider's own books; release it when it is not there, discard it when it is.`,
  };
}

function providersThatMayHaveActed({ bound, trail }: Envelope): readonly string[] {
  const unknown = standing(trail).filter((outcome) => effectOfOutcome(outcome) !== "none");
  const names = unknown.map(({ provider }) => provider).filter((name) => !pseudoProviders.has(name));
  return [...new Set([...(bound === undefined ? [] : [bound.provider]), ...names])];
}

function firstUnknownAt({ trail }: Envelope): number {
  return Math.min(
    ...standing(trail)
      .filter((outcome) => effectOfOutcome(outcome) !== "none")
      .map(({ at }) => at),
  );
}

function isForgotten(idempotency: Idempotency | undefined, firstSentAt: number, now: number): boolean {
  if (idempotency === undefined || idempotency === "none") return true;
  return idempotency !== "natural" && now >= firstSentAt + idempotency.horizonMs - HORIZON_MARGIN_MS;
}

/** Why the provider that was asked for cannot or must not serve it; undefined when nothing speaks against it. */
function objectionTo(
  chosen: string | undefined,
  envelope: Envelope,
  job: AnyJob,
  { providers, routes }: Knowledge,
): string | undefined {
  const { capability } = job;
  const route = routes.get(capability.name);
  const own = meantFor(envelope, job);
  if (chosen === undefined) {
    const left = (envelope.providers ?? own ?? route)?.filter((name) => own?.includes(name) ?? true);
    const isServed = left === undefined || route === undefined || left.some((name) => route.includes(name));
    return isServed
      ? undefined
      : `It is meant for ${left.join(", ")}, and no live worker has that on its route of ${capability.name} (${route.join(", ")}).`;
  }
  const implementation = adapterOf(chosen, job, providers);
  if (implementation === undefined) return `${chosen} does not serve ${capability.name}.`;
  if (envelope.providers?.includes(chosen) === false)
    return `It may only be served by ${envelope.providers.join(", ")}, as it was enqueued.`;
  if (own?.includes(chosen) === false)
    return `Its payload is meant for ${own.join(", ")}, not for ${chosen}.`;
  if (route?.includes(chosen) === false)
    return `No live worker has ${chosen} on its route of ${capability.name} (${route.join(", ")}).`;
  const request = job.after === undefined ? requestOf(job, envelope.payload) : undefined;
  if (request?.ok === true && implementation.accepts?.(request.request) === false)
    return `${chosen} does not accept what it asks.`;
  return undefined;
}

function targetOf(
  envelope: Envelope,
  job: AnyJob,
  { routes }: Knowledge,
  chosen: string | undefined,
): string | undefined {
  if (chosen !== undefined) return chosen;
  const own = meantFor(envelope, job);
  const isAllowed = (name: string): boolean =>
    (envelope.providers?.includes(name) ?? true) && (own?.includes(name) ?? true);
  return routes.get(job.capability.name)?.find(isAllowed) ?? envelope.providers?.find(isAllowed);
}

function meantFor(envelope: Envelope, job: AnyJob): readonly string[] | undefined {
  if (job.capability.meantFor === undefined || job.after !== undefined) return undefined;
  const request = requestOf(job, envelope.payload);
  return request.ok ? job.capability.meantFor(request.request) : undefined;
}

function adapterOf(name: string, job: AnyJob, providers: Knowledge["providers"]) {
  return providers[name]?.adapters.find(({ capability }) => capability.name === job.capability.name);
}

function stuck(fate: Fate, sentence: string): Prospect {
  return { fate, isPastHorizon: false, sentence };
}
