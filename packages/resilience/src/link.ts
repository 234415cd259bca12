import { type Capability, type Gate, type Implementation, narrowest } from "@understudy/core";

import type { Link } from "./failover.ts";
import { withGates } from "./gated.ts";
import { withTimeout } from "./timeout.ts";

interface LinkParts<Config, C extends Capability> {
  readonly provider: string;
  readonly implementation: Implementation<Config, C>;
  readonly config: Config;
  /** In the order in which they are asked: circuit, bulkhead, rate limiter. */
  readonly gates: readonly Gate[];
  readonly timeoutMs: number;
  readonly now: () => number;
}

/** A provider as a link of a route: its adapter with a deadline, behind its gates. */
export function createLink<Config, C extends Capability>({
  provider,
  implementation,
  config,
  gates,
  timeoutMs,
  now,
}: LinkParts<Config, C>): Link<C> {
  const adapter = withTimeout(provider, timeoutMs, now, implementation.create(config));
  return {
    provider,
    idempotency: implementation.idempotency,
    adapter: withGates(provider, gates, now, adapter),
    accepts: (request) => implementation.accepts?.(request) ?? true,
    capacity: () => narrowest(gates.map((gate) => gate.capacity())),
  };
}
