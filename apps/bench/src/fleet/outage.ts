import { setTimeout as sleep } from "node:timers/promises";

import { until } from "../failover/until.ts";
import type { Fleet } from "./crew.ts";

const SETTLE_MS = 60_000;

/** One outage. Times of rerouting are milliseconds from when the circuit's opening for all was asked of Redis. */
export interface Round {
  /** Of those that had not found out by themselves: until each was told. */
  readonly toldMs: readonly number[];
  /** Of all; 0: it had found out before. */
  readonly reroutedMs: readonly number[];
  /** How many workers hold what the fleet holds in the end. */
  readonly agreed: number;
  readonly detectedMs: number;
  readonly wasted: number;
  readonly probesAllowed: number;
  readonly recoveredMs: number;
}

export async function outage(
  fleet: Fleet,
  { wellMs, outageMs, probeEveryMs }: { readonly [ms in "wellMs" | "outageMs" | "probeEveryMs"]: number },
): Promise<Round> {
  await sleep(wellMs);
  fleet.moved.length = 0;
  fleet.changed.length = 0;
  const died = Date.now();
  fleet.answer("fail");
  const isOpen = (): Promise<boolean> => Promise.resolve(fleet.changed.some(({ to }) => to === "open"));
  await until("the circuit is open for all", isOpen, SETTLE_MS);
  const opened = fleet.changed.find(({ to }) => to === "open")?.at ?? 0;
  const doAllKnow = (): Promise<boolean> => Promise.resolve(agreed(fleet) === fleet.workers.length);
  await until("every worker knows", doAllKnow, SETTLE_MS);
  await fleet.report();
  await sleep(outageMs);
  const { made: wasted } = await fleet.report();
  const away = firstAway(fleet);
  fleet.answer("ok");
  const back = Date.now();
  const isClosed = (): Promise<boolean> => Promise.resolve(fleet.changed.at(-1)?.to === "closed");
  await until("it is closed again", isClosed, SETTLE_MS * 2);
  return {
    toldMs: away.filter(({ scope }) => scope === "fleet").map(({ at }) => at - opened),
    reroutedMs: away.map(({ at }) => Math.max(0, at - opened)),
    agreed: agreed(fleet),
    detectedMs: opened - died,
    wasted,
    probesAllowed: Math.ceil(outageMs / probeEveryMs) + 1,
    recoveredMs: (fleet.changed.at(-1)?.at ?? 0) - back,
  };
}

function agreed({ moved }: Fleet): number {
  const told = moved.filter(({ to, scope }) => to !== "closed" && scope === "fleet");
  return new Set(told.map(({ worker }) => worker)).size;
}

/** When each worker asked no more: told by the others, or by its own calls before. */
function firstAway({ moved }: Fleet): readonly Fleet["moved"][number][] {
  const first = new Map<string, Fleet["moved"][number]>();
  for (const word of moved) if (word.to !== "closed" && !first.has(word.worker)) first.set(word.worker, word);
  return [...first.values()];
}
