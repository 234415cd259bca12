/** When a circuit opens, and how it finds its way back. The same for every worker of a fleet. */
export interface CircuitOptions {
  /** The span over which calls are judged. */
  readonly windowMs: number;
  /** Fewer calls than this in the window prove nothing. */
  readonly minCalls: number;
  /** The share of failed calls that opens the circuit, in (0, 1]. */
  readonly failureRate: number;
  /** So many failures one after another open it, whatever else the window holds. */
  readonly failuresInARow: number;
  /** A call that takes longer is slow, from that moment on and not only when it is over. */
  readonly slowMs: number;
  /** The share of slow calls that opens the circuit, in (0, 1]. */
  readonly slowRate: number;
  /** How long the first opening lasts; each opening without a recovery between doubles it. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Between two probes of one provider, by whichever worker. */
  readonly probeEveryMs: number;
  /** A probe that has not come back by then is lost with its worker, and another may be sent. */
  readonly probeLeaseMs: number;
  /** How long each step of a recovery lasts. */
  readonly rampMs: number;
  /** The share of the fleet's recent traffic, in (0, 1], whose workers must find a provider failing to open it for all. */
  readonly quorum: number;
}

export const defaultCircuit: CircuitOptions = {
  windowMs: 10_000,
  minCalls: 5,
  failureRate: 0.5,
  failuresInARow: 10,
  slowMs: 5000,
  slowRate: 0.5,
  openMs: 5000,
  maxOpenMs: 15_000,
  probeEveryMs: 5000,
  probeLeaseMs: 20_000,
  rampMs: 2000,
  quorum: 0.5,
};
