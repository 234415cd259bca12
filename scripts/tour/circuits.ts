import type { Line } from "./process.ts";
import type { ProviderTally, Sentence } from "./tally.ts";

export interface Circuits {
  /** Whether the line tells of a circuit. */
  isOne(line: Line): boolean;
  take(worker: number, line: Line): Sentence | undefined;
  /** The worker is gone, and with it what it held for itself alone. */
  forget(worker: number): void;
}

const ats: Readonly<Record<string, "open" | "half_open" | "closed">> = {
  circuit_opened: "open",
  circuit_half_open: "half_open",
  circuit_closed: "closed",
};

/**
 * The workers hold one circuit for each provider's capability, and each may hold it open for itself alone. Shown is the worst of a
 * provider; told is what all agree on, by the worker that changed it.
 */
export function createCircuits(providers: ReadonlyMap<string, ProviderTally>): Circuits {
  /** Who holds it and which -> how it stands. */
  const states = new Map<string, { readonly provider: string; readonly words: string }>();
  const update = (): void => {
    for (const [name, tally] of providers)
      tally.circuit = worst([...states.values()].filter(({ provider }) => provider === name));
  };
  return {
    isOne: ({ event }) => ats[String(event)] !== undefined,
    take(worker, line) {
      const { provider, capability, scope, share } = line;
      const at = ats[String(line["event"])] ?? "closed";
      const holder = scope === "fleet" ? "all" : `worker ${worker}`;
      const words = at === "half_open" ? sharePart(share) : at;
      states.set(`${holder}: ${String(provider)} ${String(capability)}`, {
        provider: String(provider),
        words,
      });
      update();
      return sentenceOf(line, at, holder);
    },
    forget(worker) {
      for (const key of states.keys()) if (key.startsWith(`worker ${worker}:`)) states.delete(key);
      update();
    },
  };
}

function sentenceOf(
  { provider, reason, share }: Line,
  at: "open" | "half_open" | "closed",
  holder: string,
): Sentence | undefined {
  const name = String(provider);
  if (holder !== "all")
    return at === "open"
      ? { text: `${holder} finds ${name} failing (${String(reason)}) and asks it no more`, tone: "bad" }
      : undefined;
  if (at === "open")
    return { text: `circuit of ${name} opens for all workers (${String(reason)})`, tone: "bad" };
  if (at === "closed") return { text: `circuit of ${name} closes: it serves again`, tone: "good" };
  // What comes on top of the usual traffic is for the panel.
  if (Number(share) > 1) return undefined;
  return share === 0
    ? { text: `one worker sends ${name} a probe; the others wait for what it finds`, tone: "bad" }
    : { text: `${name} is back: ${sharePart(share)} of its traffic goes there`, tone: "good" };
}

/** 0.05 -> "5 %"; while only the probe may pass, "probe". */
function sharePart(share: unknown): string {
  return share === 0 ? "probe" : `${Math.round(Number(share) * 100)} %`;
}

function worst(states: readonly { readonly words: string }[]): string {
  const notClosed = states.map(({ words }) => words).filter((words) => words !== "closed");
  return notClosed.find((words) => words === "open") ?? notClosed[0] ?? "closed";
}
