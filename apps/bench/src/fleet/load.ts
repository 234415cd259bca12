import { setTimeout as sleep } from "node:timers/promises";

import { type Fleet, hireFleet } from "./crew.ts";

/** What a process has of being in a fleet, whether or not it calls anybody. */
export interface Load {
  readonly members: number;
  readonly perSecond: number;
  /** Milliseconds by which each turn of 10 ms was late. */
  readonly lateMs: readonly number[];
  /** Milliseconds of processor time in a second. */
  readonly cpuMs: number;
}

const WARM_MS = 2000;

/**
 * Processes with no members, with members that call nobody, and with members that call, beside each other: what the others have to bear,
 * this one has to bear as well. A member has connections of its own, which in a real worker are one for all circuits.
 */
export async function loads(redis: string, members: number, ms: number): Promise<readonly Load[]> {
  const kinds = [
    { members: 0, perSecond: 0 },
    { members, perSecond: 0 },
    { members, perSecond: 10 },
  ];
  const processes = await Promise.all(
    kinds.map(async ({ members: workersEach, perSecond }, nth) => {
      const namespace = `load-${nth}`;
      return await hireFleet({ redis, namespace, processes: 1, workersEach, perSecond, options: {} });
    }),
  );
  const measured = async (fleet: Fleet): Promise<Pick<Load, "lateMs" | "cpuMs">> => {
    await sleep(Math.min(ms, WARM_MS));
    await fleet.report();
    await sleep(ms);
    return await fleet.report();
  };
  try {
    const found = await Promise.all(processes.map(measured));
    return kinds.map((kind, nth) => ({ lateMs: [], cpuMs: 0, ...found[nth], ...kind }));
  } finally {
    await Promise.all(processes.map((fleet) => fleet[Symbol.asyncDispose]()));
  }
}
