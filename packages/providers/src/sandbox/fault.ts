import * as z from "zod";

/** What a fake can be told to do instead of serving. docs of each: packages/providers/README.md. */
export const faultModes = [
  "healthy",
  "latency",
  "429",
  "500",
  "503",
  "html-200",
  "refuse",
  "reset-before-answer",
  "accept-then-hang",
  "accept-then-reset",
  "accept-then-500",
] as const;

const hour = 3_600_000;

export const faultSchema = z
  .strictObject({
    mode: z.enum(faultModes),
    /** The part of requests that meet the fault; the others are served. */
    share: z.number().min(0).max(1).default(1),
    /** After which the fake heals by itself; without it, never. */
    durationMs: z.int().positive().max(hour).optional(),
    /** Before a request that meets the fault is looked at. */
    latencyMs: z.int().nonnegative().max(hour).optional(),
    /** Seconds, for 429 and 503. */
    retryAfter: z.int().nonnegative().max(86_400).optional(),
  })
  .refine(({ mode, latencyMs }) => mode !== "latency" || latencyMs !== undefined, {
    path: ["latencyMs"],
    message: "the mode latency needs latencyMs, such as 500",
  })
  .refine(({ mode, share }) => mode !== "refuse" || share === 1, {
    path: ["share"],
    message: "refuse shuts the door for everybody: leave share out",
  })
  .refine(({ mode, retryAfter }) => retryAfter === undefined || mode === "429" || mode === "503", {
    path: ["retryAfter"],
    message: "only the modes 429 and 503 say when to come back",
  });

export type Fault = z.output<typeof faultSchema>;
export type FaultMode = Fault["mode"];

const healthy: Fault = { mode: "healthy", share: 1 };

/** One provider's current fault. */
export class FaultSwitch {
  #fault = healthy;
  #healing: NodeJS.Timeout | undefined;
  #applied: Promise<void> = Promise.resolve();
  readonly #changed: (fault: Fault) => Promise<void>;
  readonly #random: () => number;

  /** @param changed is awaited: a fault is in force once `set` resolves */
  constructor(changed: (fault: Fault) => Promise<void>, random: () => number) {
    this.#changed = changed;
    this.#random = random;
  }

  get current(): Fault {
    return this.#fault;
  }

  async set(fault: Fault): Promise<void> {
    clearTimeout(this.#healing);
    this.#fault = fault;
    if (fault.durationMs !== undefined)
      this.#healing = setTimeout(() => void this.heal(), fault.durationMs).unref();
    // In order: a door that is still being shut cannot be opened.
    const applied = this.#applied.then(() => this.#changed(fault));
    this.#applied = applied.catch(() => undefined);
    await applied;
  }

  async heal(): Promise<void> {
    await this.set(healthy);
  }

  /** What the next request meets. */
  strike(): Fault {
    return this.#random() < this.#fault.share ? this.#fault : healthy;
  }
}
