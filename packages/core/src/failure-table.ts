/** What a provider, or our own gate before it, answered when the answer was not "delivered". */
export type FailureKind = "rejected" | "unavailable" | "throttled" | "withheld" | "ambiguous";

export type Effect = "none" | "maybe" | "done";

/**
 * Whose doing a failure is. `request`: wrong wherever it is sent. `provider`: this provider could not.
 * `pace`: only "later" was said. `key`: an earlier call under the same idempotency key stands in the way.
 */
export type Fault = "request" | "provider" | "pace" | "key";

export interface FailureFacts {
  readonly fault: Fault;
  /** The effect of this one call; earlier calls keep theirs. */
  readonly effect: "none" | "maybe";
  /** Whether anything was asked of the provider at all. */
  readonly asked: boolean;
}

/** The two facts of each kind from which everything else is computed. */
const failureTable: Readonly<Record<FailureKind, FailureFacts>> = {
  rejected: { fault: "request", effect: "none", asked: true },
  unavailable: { fault: "provider", effect: "none", asked: true },
  throttled: { fault: "pace", effect: "none", asked: true },
  withheld: { fault: "pace", effect: "none", asked: false },
  ambiguous: { fault: "provider", effect: "maybe", asked: true },
};

/** Codes of an ambiguous answer that say "a call under this key exists": waiting helps, another provider would double. */
const keyCodes: ReadonlySet<string> = new Set(["in_progress", "key_conflict"]);

/** Codes by which a provider says that this account cannot be served until a person mends it. */
const accountCodes: ReadonlySet<string> = new Set([
  "unauthorized",
  "forbidden",
  "sender_unverified",
  "account_suspended",
  "no_balance",
  "misconfigured",
]);

/** Codes that speak of one message, or of one in a batch, and not of the provider, which is well: the next may be taken. */
const messageCodes: ReadonlySet<string> = new Set([
  "recipient_deferred",
  "too_large",
  "policy_refused",
  "batch_refused",
  "unknown_token",
  "token_used",
  "token_expired",
]);

/** We cut the call short ourselves (shutdown, lost lock, cancel): it says nothing about the provider. */
export const INTERRUPTED = "interrupted";

interface FailureLike {
  readonly kind: FailureKind;
  readonly code: string;
}

export function factsOf(failure: FailureLike): FailureFacts {
  const facts = failureTable[failure.kind];
  return facts.effect === "maybe" && keyCodes.has(failure.code) ? { ...facts, fault: "key" } : facts;
}

/** What a circuit breaker learns from a failure; undefined when it learns nothing. */
export function breakerSignal(failure: FailureLike): "alive" | "failure" | "account_failure" | undefined {
  const { fault, asked } = factsOf(failure);
  if (!asked || failure.code === INTERRUPTED) return undefined;
  if (fault !== "provider" || messageCodes.has(failure.code)) return "alive";
  return accountCodes.has(failure.code) ? "account_failure" : "failure";
}
