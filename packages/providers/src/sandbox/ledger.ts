/** What a fake keeps of what it did: a mail, a charge, an event. No text is kept. */
export interface EffectNote {
  /** Undefined when the request carried no job id. */
  readonly jobId: string | undefined;
  /** Of a mail. */
  readonly messageId?: string | undefined;
  readonly recipients?: number;
  /** Of money: "charge" or "refund", in minor units. */
  readonly money?: "charge" | "refund";
  readonly amountMinor?: number;
  /** Of an event: its id, by which one sent again is known. */
  readonly eventId?: string;
}

export interface Effect extends EffectNote {
  readonly provider: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Whether the caller was told. */
  answered: boolean;
}

const KEEP = 200_000;

/** What really happened in the outside world, whatever the caller was told. The count is exact; of the effects the last ones stay. */
export class Ledger {
  readonly #provider: string;
  readonly #keep: number;
  #effects: Effect[] = [];
  #accepted = 0;

  constructor(provider: string, keep = KEEP) {
    this.#provider = provider;
    this.#keep = keep;
  }

  add(note: EffectNote): Effect {
    const effect: Effect = { provider: this.#provider, ...note, at: Date.now(), answered: false };
    this.#accepted += 1;
    this.#effects.push(effect);
    if (this.#effects.length >= 2 * this.#keep) this.#effects = this.#effects.slice(-this.#keep);
    return effect;
  }

  get accepted(): number {
    return this.#accepted;
  }

  get effects(): readonly Effect[] {
    return this.#effects.slice(-this.#keep);
  }

  clear(): void {
    this.#effects = [];
    this.#accepted = 0;
  }
}
