import type { CircuitBreaker } from "../circuit/circuit-breaker.ts";
import type { Peers } from "../circuit/peers.ts";
import { type Circuit, closedCircuit } from "../circuit/state.ts";
import { type Directive, directiveFor, holds } from "./directive.ts";
import type { CircuitName, FleetNews, FleetStore, Lease, SharedCircuit } from "./store.ts";

/** One worker's part in its fleet: what all hold, kept here, so that no call waits for it. */
export interface FleetMember {
  /** Hears of what the others changed. */
  readonly news: FleetNews;
  /** Through which a circuit's breaker speaks with the others. */
  peersOf(name: CircuitName, probeEveryMs: number): Peers;
  /** Joins a breaker to those of the same circuit in other workers. */
  join(name: CircuitName, breaker: CircuitBreaker): void;
  /** What a person wants done with a provider now. */
  directive(provider: string, capability: string): Directive | undefined;
  isReachable(): boolean;
  /** The fleet's clock. */
  now(): number;
  close(): void;
}

/** A change that this worker made for all. */
export interface FleetChange extends SharedCircuit {
  readonly before: Circuit;
}

interface Parts {
  readonly store: FleetStore;
  /** This worker's name. */
  readonly self: string;
  readonly now: () => number;
  /** There are no others to be told how things stand by. */
  readonly isAlone?: boolean;
  /** Told of what this worker changed for all, and of losing and finding the others. Must not throw. */
  readonly onChange: (change: FleetChange) => void;
  readonly onReachable: (isReachable: boolean) => void;
}

const TICK_MS = 100;
const READ_EVERY_MS = 1000;
/** While the others are away. */
const TRY_EVERY_MS = 250;
/** Whoever does not answer by then is away. */
const ANSWER_MS = 300;
/** When somebody else's probe is out, or was of late. */
const LEASED_WAIT_MS = 500;
/** So long after its start a worker goes by what it sees, whether or not it was told how things stand. */
const UNKNOWN_MS = 10_000;

export function joinFleet({ store, self, now, isAlone, onChange, onReachable }: Parts): FleetMember {
  const breakers = new Map<string, { readonly name: CircuitName; readonly breaker: CircuitBreaker }>();
  const known = new Map<string, Circuit>();
  /** What this worker wants for all, until it is known what became of it. */
  const proposed = new Map<string, FleetChange>();
  /** Providers whose probe somebody else sent lately. */
  const leasedUntil = new Map<string, number>();
  const born = now();
  let directives: readonly Directive[] = [];
  let hasRead = false;
  let clockAheadMs = 0;
  let isReachable = false;
  let reading: "no" | "yes" | "again" = "no";
  let readAt = -Infinity;

  const fleetNow = (): number => now() + clockAheadMs;
  const lost = (): void => {
    if (!isReachable) return;
    isReachable = false;
    for (const { breaker } of breakers.values()) breaker.detach();
    onReachable(false);
  };
  /** Asks the store something; trouble of any kind is told apart from an answer by `undefined`. */
  const asked = async <T>(question: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await withinDeadline(question(), ANSWER_MS);
    } catch {
      lost();
      return undefined;
    }
  };

  const learn = ({ circuit, ...name }: SharedCircuit): void => {
    const mine = known.get(keyOf(name));
    if (mine !== undefined && (circuit.version < mine.version || isSame(circuit, mine))) return;
    known.set(keyOf(name), circuit);
    breakers.get(keyOf(name))?.breaker.learn(circuit);
    // Whether or not the answer came: this is what was proposed here.
    const own = proposed.get(keyOf(name));
    proposed.delete(keyOf(name));
    if (own !== undefined && isSame(own.circuit, circuit)) onChange(own);
  };

  const change = async (
    name: CircuitName,
    { before, after, lease }: { readonly before: Circuit; readonly after: Circuit; readonly lease: Lease },
  ): Promise<boolean> => {
    const isTaking = typeof lease === "object";
    if (isTaking && now() < (leasedUntil.get(name.provider) ?? 0)) return false;
    proposed.set(keyOf(name), { ...name, circuit: after, before });
    const swapped = await asked(() => store.swap(name, { before, after, by: self, lease }));
    if (swapped?.at === "done") {
      learn({ ...name, circuit: after });
      return true;
    }
    if (swapped === undefined) return false;
    proposed.delete(keyOf(name));
    if (swapped.at === "leased") leasedUntil.set(name.provider, now() + LEASED_WAIT_MS);
    else await caughtUp(name, swapped.circuit);
    return false;
  };
  /** A store that knows less than this worker has lost what was written last: it is told again. */
  const caughtUp = async (name: CircuitName, there: Circuit): Promise<void> => {
    const mine = known.get(keyOf(name)) ?? closedCircuit;
    if (there.version >= mine.version) return learn({ ...name, circuit: there });
    await asked(() => store.swap(name, { before: there, after: mine, by: self, lease: "none" }));
  };

  const read = async (): Promise<void> => {
    if (reading !== "no") {
      reading = "again";
      return;
    }
    reading = "yes";
    const sentAt = now();
    const records = await asked(() => store.read());
    readAt = now();
    const isStale = (reading as string) === "again";
    reading = "no";
    if (records === undefined) return;
    // What was written while it was on its way may not be in it.
    if (isStale) void read();
    // Of an answer that was held up it is not known when it was given.
    if (!hasRead || readAt - sentAt < ANSWER_MS) clockAheadMs = records.now - (sentAt + readAt) / 2;
    hasRead = true;
    const lost = directives.filter((one) => !records.directives.some((other) => isAbout(one, other)));
    directives = records.directives;
    for (const directive of lost)
      if (holds(directive, fleetNow())) await asked(() => store.retell(directive));
    const stored = new Map(records.circuits.map((shared) => [keyOf(shared), shared.circuit]));
    if (!isReachable) {
      isReachable = true;
      onReachable(true);
    }
    const names = [...breakers.values()].map(({ name }) => name);
    await Promise.all(names.map((name) => caughtUp(name, stored.get(keyOf(name)) ?? closedCircuit)));
    for (const directive of directives)
      if (!holds(directive, fleetNow())) await asked(() => store.expire(directive));
  };

  const timer = setInterval(() => {
    if (now() >= readAt + (isReachable ? READ_EVERY_MS : TRY_EVERY_MS)) void read();
    for (const { breaker } of breakers.values()) breaker.tick();
  }, TICK_MS);
  void read();

  return {
    news: {
      circuit: learn,
      directives: () => void read(),
      reconnected: () => void read(),
    },
    peersOf: (name, probeEveryMs) => ({
      self,
      now: fleetNow,
      isReachable: () => isReachable,
      isKnown: () => hasRead || isAlone === true || now() > born + UNKNOWN_MS,
      propose(before, after, probe) {
        const lease = probe === "take" ? { take: probeEveryMs } : (probe ?? "none");
        return change(name, { before, after, lease });
      },
      vote: (vote) => void asked(() => store.vote(name, self, vote)),
      votes: (vote) =>
        asked(async () => {
          if (vote !== undefined) await store.vote(name, self, vote);
          return await store.votes(name);
        }),
      mayProbe: async () => (await asked(() => store.lease(name.provider, probeEveryMs))) === true,
    }),
    join(name, breaker) {
      breakers.set(keyOf(name), { name, breaker });
      const circuit = known.get(keyOf(name));
      if (circuit !== undefined) breaker.learn(circuit);
    },
    directive: (provider, capability) => directiveFor(directives, provider, capability, fleetNow()),
    isReachable: () => isReachable,
    now: fleetNow,
    close: () => clearInterval(timer),
  };
}

function isSame(one: Circuit, other: Circuit): boolean {
  return one.version === other.version && JSON.stringify(one) === JSON.stringify(other);
}

function isAbout(one: Directive, other: Directive): boolean {
  return one.provider === other.provider && one.capability === other.capability;
}

const keyOf = ({ provider, capability }: CircuitName): string => `${provider} ${capability}`;

/** A timer that is later than this says that this process was held up, and not the others. */
const LATE_MS = 100;

async function withinDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const began = performance.now();
  const giveUp = (): void => late.reject(new Error(`no answer within ${ms} ms`));
  let timer = setTimeout(() => {
    if (performance.now() - began > ms + LATE_MS) timer = setTimeout(giveUp, ms);
    else giveUp();
  }, ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
