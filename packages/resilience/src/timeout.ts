import {
  type Adapter,
  type Call,
  type Capability,
  INTERRUPTED,
  type Outcome,
  type ReceiptOf,
  type RequestOf,
} from "@understudy/core";

/** How long an adapter may take to come back after it was told to stop. */
const GRACE_MS = 250;

/**
 * Gives each call a deadline. An adapter that does not heed its signal is left behind, and its call is of unknown fate: it
 * may still have its effect.
 */
export function withTimeout<C extends Capability>(
  provider: string,
  timeoutMs: number,
  now: () => number,
  adapter: Adapter<C>,
): Adapter<C> {
  return (request, call) => new TimedCall<C>(provider, now, call).run(adapter, request, timeoutMs);
}

/** One call. Written without AbortSignal.timeout and AbortSignal.any, which cost more than all else that is done for a call. */
class TimedCall<C extends Capability> {
  readonly #provider: string;
  readonly #now: () => number;
  readonly #call: Call;
  readonly #at: number;
  readonly #stop = new AbortController();
  #leave: ((outcome: Outcome<never>) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(provider: string, now: () => number, call: Call) {
    this.#provider = provider;
    this.#now = now;
    this.#call = call;
    this.#at = now();
  }

  async run(adapter: Adapter<C>, request: RequestOf<C>, timeoutMs: number): Promise<Outcome<ReceiptOf<C>>> {
    const { signal } = this.#call;
    try {
      return await new Promise<Outcome<ReceiptOf<C>>>((resolve, reject) => {
        this.#leave = resolve;
        this.#timer = setTimeout(() => this.#end(timeoutError()), timeoutMs).unref();
        if (signal.aborted) this.#end(signal.reason);
        else signal.addEventListener("abort", this, { once: true });
        adapter(request, { ...this.#call, signal: this.#stop.signal }).then(resolve, reject);
      });
    } finally {
      clearTimeout(this.#timer);
      signal.removeEventListener("abort", this);
    }
  }

  /** The call's own signal aborted. */
  handleEvent(): void {
    this.#end(this.#call.signal.reason);
  }

  /** Tells the adapter to stop, and leaves it behind if it does not. */
  #end(reason: unknown): void {
    if (this.#stop.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#stop.abort(reason);
    this.#timer = setTimeout(() => this.#abandon(), GRACE_MS);
  }

  #abandon(): void {
    const code = this.#call.signal.aborted ? INTERRUPTED : "timeout";
    const detail = `${this.#provider} was told to stop and did not come back within ${GRACE_MS} ms`;
    const at = this.#at;
    const durationMs = this.#now() - at;
    this.#leave?.({ kind: "ambiguous", code, detail, provider: this.#provider, at, durationMs });
  }
}

function timeoutError(): DOMException {
  return new DOMException("The operation was aborted due to timeout", "TimeoutError");
}
