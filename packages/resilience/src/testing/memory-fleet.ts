import type { Vote } from "../circuit/electorate.ts";
import { type Circuit, closedCircuit } from "../circuit/state.ts";
import type { Directive } from "../fleet/directive.ts";
import type { CircuitName, FleetNews, FleetStore } from "../fleet/store.ts";

/** The fleet's records in memory, for tests with a virtual clock; what Redis does is tested on Redis. */
export interface MemoryFleet {
  /** One worker's way to them. */
  connect(): MemoryConnection;
  readonly history: { readonly before: Circuit; readonly after: Circuit; readonly at: number }[];
  circuit(name: CircuitName): Circuit;
  /** Forgets everything, as a server does whose successor had not heard of it. */
  forget(): void;
}

export interface MemoryConnection {
  readonly store: FleetStore;
  hear(news: FleetNews): void;
  cut(isCut: boolean): void;
}

export function createMemoryFleet(now: () => number): MemoryFleet {
  const circuits = new Map<string, Circuit>();
  const votes = new Map<string, Map<string, Vote>>();
  const leases = new Map<string, number>();
  const directives: Directive[] = [];
  const ears = new Set<{ readonly news: FleetNews; readonly isCut: () => boolean }>();
  const history: MemoryFleet["history"] = [];
  const keyOf = ({ provider, capability }: CircuitName): string => `${provider} ${capability}`;
  const mayLease = (provider: string, forMs: number): boolean => {
    if ((leases.get(provider) ?? 0) > now()) return false;
    leases.set(provider, now() + forMs);
    return true;
  };
  const circuit = (name: CircuitName): Circuit => circuits.get(keyOf(name)) ?? closedCircuit;

  return {
    history,
    circuit,
    forget() {
      circuits.clear();
      votes.clear();
      leases.clear();
    },
    connect() {
      let cut = false;
      const reached = <T>(answer: () => T): Promise<T> =>
        cut ? Promise.reject(new Error("cut")) : Promise.resolve(answer());
      const store: FleetStore = {
        read: () =>
          reached(() => ({
            circuits: [...circuits].map(([key, one]) => {
              const [provider = "", capability = ""] = key.split(" ");
              return { provider, capability, circuit: one };
            }),
            directives: [...directives],
            now: now(),
          })),
        swap: (name, { before, after, lease }) =>
          reached(() => {
            const there = circuit(name);
            if (JSON.stringify(there) !== JSON.stringify(before)) return { at: "other", circuit: there };
            if (typeof lease === "object" && !mayLease(name.provider, lease.take)) return { at: "leased" };
            if (lease === "release") leases.delete(name.provider);
            circuits.set(keyOf(name), after);
            history.push({ before, after, at: now() });
            for (const { news, isCut } of ears) if (!isCut()) news.circuit({ ...name, circuit: after });
            return { at: "done" };
          }),
        lease: (provider, forMs) => reached(() => mayLease(provider, forMs)),
        vote: (name, worker, vote) =>
          reached(() => {
            const all = votes.get(keyOf(name)) ?? new Map<string, Vote>();
            votes.set(keyOf(name), all.set(worker, vote));
          }),
        votes: (name) => reached(() => [...(votes.get(keyOf(name))?.values() ?? [])]),
        retell: () => reached(() => undefined),
        expire: () => reached(() => undefined),
      };
      return {
        store,
        hear: (news) => void ears.add({ news, isCut: () => cut }),
        cut: (isCut) => {
          cut = isCut;
        },
      };
    },
  };
}
