import { createHash } from "node:crypto";

import {
  type Adapter,
  type BatchItem,
  type Batching,
  type Capability,
  type Capacity,
  type Gate,
  type Implementation,
  narrowest,
  type RequestOf,
} from "@understudy/core";

import { coalesced } from "./coalesce.ts";
import { withFittingKey } from "./fitting-key.ts";
import type { Directive } from "./fleet/directive.ts";
import { withGates } from "./gated.ts";
import { createQuestion } from "./look-up.ts";
import type { Health, Link } from "./route.ts";
import { withTimeout } from "./timeout.ts";

interface LinkParts<Config, C extends Capability> {
  readonly provider: string;
  readonly implementation: Implementation<Config, C>;
  readonly config: Config;
  /** In the order in which they are asked: circuit, bulkhead, rate limiter. */
  readonly gates: readonly Gate[];
  /** Counts jobs, where the gates count calls: many jobs may wait in one call. */
  readonly slots?: Gate;
  readonly timeoutMs: number;
  /** Instead of what the provider says of its own look-ups. */
  readonly trustNotFoundAfterMs?: number;
  readonly health?: () => Health;
  readonly directive?: () => Directive | undefined;
  readonly now: () => number;
}

/**
 * Of a diverted provider a job is fetched now and then, for what may have had its effect there is settled there: in the first
 * part of each second.
 */
const TRICKLE_EVERY_MS = 1000;
const TRICKLE_MS = 100;

/** A provider as a link of a route: its adapter with a deadline, behind its gates, and many calls in one where it takes that. */
export function createLink<Config, C extends Capability>(parts: LinkParts<Config, C>): Link<C> {
  const { provider, implementation, gates, health, directive } = parts;
  const { capability, idempotency, lookUp, batch } = implementation;
  const slots = parts.slots === undefined ? [] : [parts.slots];
  return {
    provider,
    idempotency,
    account: accountOf(parts.config),
    adapter:
      batch === undefined
        ? alone({ ...parts, gates: [...slots, ...gates] })
        : withGates(provider, slots, parts.now, together(parts, batch)),
    ...(lookUp === undefined ? {} : { lookUp: createQuestion({ ...parts, lookUp }) }),
    accepts: (request) =>
      (capability.meantFor?.(request).includes(provider) ?? true) &&
      (implementation.accepts?.(request) ?? true),
    ...(health === undefined ? {} : { health }),
    ...(directive === undefined ? {} : { directive }),
    capacity() {
      const trickle = directive?.()?.verb === "divert" ? trickleAt(parts.now()) : undefined;
      if (trickle?.room === 0) return trickle;
      const { room, opensAt } = narrowest(gates.map((gate) => gate.capacity()));
      // The gates count calls; whoever asks counts jobs.
      const jobs = { room: room * (batch?.maxItems ?? 1), opensAt };
      return narrowest([
        jobs,
        ...(trickle === undefined ? [] : [trickle]),
        ...slots.map((gate) => gate.capacity()),
      ]);
    },
  };
}

function trickleAt(now: number): Capacity {
  const isOpen = now % TRICKLE_EVERY_MS < TRICKLE_MS;
  return { room: isOpen ? 1 : 0, opensAt: now - (now % TRICKLE_EVERY_MS) + TRICKLE_EVERY_MS };
}

/** Whose credentials they are cannot be seen, so any change of them counts; of where the provider is reached, none. */
export function accountOf(config: unknown): string {
  const { baseUrl: _, ...own } = Object(config) as { readonly baseUrl?: unknown };
  return createHash("sha256").update(JSON.stringify(own)).digest("base64url").slice(0, 16);
}

function alone<Config, C extends Capability>(parts: LinkParts<Config, C>): Adapter<C> {
  const { provider, implementation, config, gates, timeoutMs, now } = parts;
  const adapter = withFittingKey(implementation.idempotency, implementation.create(config));
  return withGates(provider, gates, now, withTimeout(provider, timeoutMs, now, adapter), (request, call) => ({
    cost: implementation.cost?.(request) ?? 1,
    isRetry: call.isRetry === true,
  }));
}

function together<Config, C extends Capability>(
  { provider, config, gates, timeoutMs, now }: LinkParts<Config, C>,
  batch: Batching<Config, C>,
): Adapter<C> {
  const firstTries = new Set<string>();
  const ask = withGates(
    provider,
    gates,
    now,
    withTimeout(provider, timeoutMs, now, batch.create(config)),
    // A retry among first tries makes no further call.
    (items: readonly BatchItem<C>[]) => ({
      cost: 1,
      isRetry: items.every(({ jobId }) => !firstTries.has(jobId)),
    }),
  );
  const { maxItems, maxBytes, lingerMs } = batch;
  const weigh = (request: RequestOf<C>): number => batch.weigh?.(request) ?? 1;
  const join = coalesced({ provider, maxItems, maxBytes, lingerMs, weigh, now, ask });
  return async (request, call) => {
    if (call.isRetry !== true) firstTries.add(call.jobId);
    try {
      return await join(request, call);
    } finally {
      firstTries.delete(call.jobId);
    }
  };
}
