/** Where the fleet keeps what it has in common; one slot of a Redis Cluster. */
export interface FleetKeys {
  /** Hash: "provider capability" -> a circuit's version and JSON. */
  readonly circuits: string;
  /** Hash: "provider" or "provider capability" -> JSON. */
  readonly directives: string;
  /** List of JSON, the newest first. */
  readonly transitions: string;
  /** Channel of news. */
  readonly news: string;
  /** Hash: worker -> JSON. */
  votes(circuit: string): string;
  /** Exists while no probe of the provider may be sent. */
  probe(provider: string): string;
  /** Exists while something need not be told again. */
  told(what: string): string;
  /** What an account has used of its limits. */
  pace(account: string): string;
  /** What a provider's retries may still take. */
  budget(provider: string): string;
}

export function fleetKeys(namespace = "understudy"): FleetKeys {
  const key = (part: string): string => `${namespace}:{fleet}:${part}`;
  return {
    circuits: key("circuits"),
    directives: key("directives"),
    transitions: key("transitions"),
    news: key("news"),
    votes: (circuit) => key(`votes:${circuit}`),
    probe: (provider) => key(`probe:${provider}`),
    told: (what) => key(`told:${what}`),
    pace: (account) => key(`pace:${account}`),
    budget: (provider) => key(`budget:${provider}`),
  };
}
