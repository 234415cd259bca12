/** The same for all who are compared. */
export const CALL_TIMEOUT_MS = 3000;
export const CONCURRENCY = 20;
export const WORKERS = 4;
export const PLAIN_QUEUE = "email-plain";

export const systems = ["fleet", "alone", "plain"] as const;
export type System = (typeof systems)[number];

export const titles: Readonly<Record<System, string>> = {
  fleet: "Understudy, one circuit for the fleet",
  alone: "Understudy, a circuit in each process",
  plain: "BullMQ, one provider, retry with back-off",
};

/** What happens to the primary, and for how long. */
export interface Act {
  readonly mood: "ok" | "refuse" | "hang" | "503";
  readonly seconds: number;
}
