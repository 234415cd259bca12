import type { MetricsJson } from "../metrics.ts";

/** What a worker tells its supervisor over their IPC channel. */
export type FromWorker =
  /** How it stands: within 100 ms when that changes, else every second. The first says that it hears signals from now on. */
  | { readonly kind: "stands"; readonly isReady: boolean; readonly running: number }
  | { readonly kind: "metrics"; readonly id: number; readonly metrics: MetricsJson }
  /** It ends with status 2, and this is why. */
  | { readonly kind: "refused"; readonly message: string };

export interface FromSupervisor {
  readonly kind: "metrics";
  readonly id: number;
}
