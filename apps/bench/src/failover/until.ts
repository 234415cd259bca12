import { setTimeout as sleep } from "node:timers/promises";

const STEP_MS = 50;

/** Waits for a fact. @throws Error that names it when the time is over */
export async function until(what: string, isSo: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain until ${what}.`);
    await sleep(STEP_MS);
  }
}
