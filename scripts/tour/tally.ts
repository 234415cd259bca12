import { createCircuits } from "./circuits.ts";
import type { Line } from "./process.ts";

export interface ProviderTally {
  delivered: number;
  /** Delivered here after another provider could not. */
  failedOver: number;
  failed: number;
  /** "closed", "open", "probe", or the share of the traffic that goes there again: "5 %". */
  circuit: string;
}

export interface Sentence {
  readonly text: string;
  readonly tone: "good" | "bad";
}

/** What the workers' lines add up to while the tour runs. The summary does not trust it: it asks Redis and the sandbox. */
export interface Tally {
  readonly providers: ReadonlyMap<string, ProviderTally>;
  readonly enqueued: number;
  /** Of these, mails. */
  readonly mails: number;
  readonly delivered: number;
  readonly dead: number;
  /** Counts a job as enqueued, and its lines from now on; those of other jobs are left over from an earlier tour. */
  expect(jobId: string, isMail?: boolean): void;
  /** The worker is gone, and with it what it thought of the circuits. */
  forget(worker: number): void;
  /** Answers a sentence when the line is worth telling. */
  take(worker: number, line: Line): Sentence | undefined;
}

export function createTally(route: readonly string[]): Tally {
  const providers = new Map<string, ProviderTally>(
    route.map((name) => [name, { delivered: 0, failedOver: 0, failed: 0, circuit: "closed" }]),
  );
  const expected = new Set<string>();
  const circuits = createCircuits(providers);
  const sums = { mails: 0, delivered: 0, dead: 0 };

  const handlers: Readonly<Record<string, (line: Line) => Sentence | undefined>> = {
    call({ provider, kind }) {
      const tally = providers.get(String(provider));
      if (tally === undefined) return undefined;
      if (kind === "delivered") tally.delivered += 1;
      else if (kind !== "withheld") tally.failed += 1;
      return undefined;
    },
    failover({ to }) {
      const tally = providers.get(String(to));
      if (tally !== undefined) tally.failedOver += 1;
      return undefined;
    },
    settled({ verdict, jobId, cause }) {
      if (verdict === "complete") sums.delivered += 1;
      if (verdict !== "dead_letter") return undefined;
      sums.dead += 1;
      const why = cause === "rejected" ? "bad address" : String(cause);
      return { text: `dead letter: ${String(jobId)} (${why})`, tone: "bad" };
    },
  };

  return {
    providers,
    get enqueued() {
      return expected.size;
    },
    get mails() {
      return sums.mails;
    },
    get delivered() {
      return sums.delivered;
    },
    get dead() {
      return sums.dead;
    },
    expect(jobId, isMail = true) {
      expected.add(jobId);
      if (isMail) sums.mails += 1;
    },
    forget: (worker) => circuits.forget(worker),
    take(worker, line) {
      if (circuits.isOne(line)) return circuits.take(worker, line);
      return expected.has(String(line["jobId"])) ? handlers[String(line["event"])]?.(line) : undefined;
    },
  };
}
