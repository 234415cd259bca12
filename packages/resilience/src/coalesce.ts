import {
  type Adapter,
  type BatchItem,
  type Call,
  type Capability,
  INTERRUPTED,
  type ItemOutcome,
  type Outcome,
  type ReceiptOf,
  type RequestOf,
} from "@understudy/core";

/** A capability's batch as a capability, so that what stands round an adapter can stand round a batch. */
export type BatchOf<C extends Capability> = Capability<
  string,
  readonly BatchItem<C>[],
  readonly ItemOutcome<ReceiptOf<C>>[]
>;

interface Parts<C extends Capability> {
  readonly provider: string;
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly lingerMs: number;
  readonly weigh: (request: RequestOf<C>) => number;
  readonly now: () => number;
  /** With its deadline and gates round it. */
  readonly ask: Adapter<BatchOf<C>>;
}

/**
 * Concurrent calls become one, within the vendor's limits; each ends by an outcome of its own. Whoever is aborted leaves, and
 * the batch goes on without them; only when all have left is it aborted.
 */
export function coalesced<C extends Capability>(parts: Parts<C>): Adapter<C> {
  const { provider, maxItems, maxBytes, weigh, now } = parts;
  let open: Batch<C> | undefined;

  return async (request, call) => {
    if (call.signal.aborted) return cut(provider, now(), false);
    const weight = weigh(request);
    const bytes = Buffer.byteLength(JSON.stringify(request));
    if (open !== undefined && (open.weight + weight > maxItems || open.bytes + bytes > maxBytes))
      open.leave();
    const batch = (open ??= new Batch(parts, () => (open = undefined)));
    const answer = batch.join(request, call, weight, bytes);
    if (batch.weight >= maxItems || batch.bytes >= maxBytes) batch.leave();
    return answer;
  };
}

interface Member<C extends Capability> {
  readonly item: BatchItem<C>;
  readonly signal: AbortSignal;
  readonly settle: (outcome: Outcome<ReceiptOf<C>>) => void;
}

class Batch<C extends Capability> {
  weight = 0;
  bytes = 0;
  readonly #parts: Parts<C>;
  readonly #onLeave: () => void;
  readonly #control = new AbortController();
  readonly #linger: NodeJS.Timeout;
  #members: Member<C>[] = [];
  #hasLeft = false;

  constructor(parts: Parts<C>, onLeave: () => void) {
    this.#parts = parts;
    this.#onLeave = onLeave;
    this.#linger = setTimeout(() => this.leave(), parts.lingerMs);
  }

  async join(
    request: RequestOf<C>,
    { jobId, idempotencyKey, signal }: Call,
    weight: number,
    bytes: number,
  ): Promise<Outcome<ReceiptOf<C>>> {
    this.weight += weight;
    this.bytes += bytes;
    return await new Promise((resolve) => {
      const onAbort = (): void => this.#lose(member);
      const settle = (outcome: Outcome<ReceiptOf<C>>): void => {
        signal.removeEventListener("abort", onAbort);
        resolve(outcome);
      };
      const member: Member<C> = { item: { request, jobId, idempotencyKey }, signal, settle };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#members.push(member);
    });
  }

  /** Asks for all who have come; nobody joins after that. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    clearTimeout(this.#linger);
    this.#onLeave();
    if (this.#members.length > 0) void this.#ask([...this.#members]);
  }

  async #ask(members: readonly Member<C>[]): Promise<void> {
    const { provider, ask, now } = this.#parts;
    const [first] = members;
    const call = {
      jobId: first?.item.jobId ?? "",
      idempotencyKey: first?.item.idempotencyKey ?? "",
      signal: this.#control.signal,
    };
    const at = now();
    let outcome: Outcome<readonly ItemOutcome<ReceiptOf<C>>[]>;
    try {
      outcome = await ask(
        members.map(({ item }) => item),
        call,
      );
    } catch (error) {
      const detail = error instanceof Error ? error.name : typeof error;
      outcome = { kind: "ambiguous", code: "adapter_threw", detail, provider, at, durationMs: now() - at };
    }
    for (const [index, member] of members.entries()) member.settle(outcomeOf(outcome, index, members.length));
  }

  #lose(member: Member<C>): void {
    const { provider, now } = this.#parts;
    this.#members = this.#members.filter((one) => one !== member);
    member.settle(cut(provider, now(), this.#hasLeft));
    if (this.#members.length === 0 && this.#hasLeft) this.#control.abort(member.signal.reason);
  }
}

/** Aborted before the batch left nothing was asked; after that nobody knows. */
function cut(provider: string, at: number, hasLeft: boolean): Outcome<never> {
  const about = { code: INTERRUPTED, provider, at, durationMs: 0 };
  return hasLeft ? { kind: "ambiguous", ...about } : { kind: "withheld", retryAfterMs: 0, ...about };
}

/** What one item's part of the whole answer is. */
function outcomeOf<Receipt>(
  outcome: Outcome<readonly ItemOutcome<Receipt>[]>,
  index: number,
  count: number,
): Outcome<Receipt> {
  if (outcome.kind !== "delivered") return outcome;
  const { receipt, kind: _, final: __, undelivered: ___, ...about } = outcome;
  const own = receipt.length === count ? receipt[index] : undefined;
  return own === undefined
    ? { ...about, kind: "ambiguous", code: "malformed_answer", detail: "not an outcome for each item" }
    : { ...about, ...own };
}
