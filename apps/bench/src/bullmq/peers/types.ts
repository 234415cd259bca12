export const peers = ["bee-queue", "graphile-worker", "pg-boss"] as const;
export type PeerName = (typeof peers)[number];

/** What a fresh process is to do with another queue. */
export interface PeerOrder {
  readonly peer: PeerName;
  /** The folder that it was installed into. */
  readonly folder: string;
  /** Of its Redis, or its database. */
  readonly url: string;
  readonly kind: "enqueue" | "fill" | "process";
  readonly warm: number;
  readonly jobs: number;
}

/** As much of a queue as is measured. */
export interface PeerQueue {
  add(payload: object): Promise<unknown>;
  addMany(payloads: readonly object[]): Promise<unknown>;
  work(concurrency: number, handle: (payload: object) => void): Promise<void>;
}

/** @param load what an installed package exports */
export type OpenPeer = (load: (name: string) => Promise<unknown>, url: string) => Promise<PeerQueue>;
