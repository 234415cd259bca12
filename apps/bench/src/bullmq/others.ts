import { readFileSync } from "node:fs";

/** A tick of /proc, on every Linux that matters. */
const TICK_MS = 10;

/**
 * How much others use the machine from now on.
 * @returns a function of the CPU milliseconds of the process that was measured: cores that neither it, nor we, nor those used
 */
export function watchOthers(own: readonly number[]): (measuredMs: number) => number {
  const began = performance.now();
  const before = machineMs();
  if (before === undefined) return () => 0;
  const ourBefore = oursMs(own);
  return (measuredMs) => {
    const used = (machineMs() ?? before) - before - (oursMs(own) - ourBefore) - measuredMs;
    return used / (performance.now() - began);
  };
}

/** What all cores have done for processes since the start; undefined where that is not told. */
function machineMs(): number | undefined {
  const [, user = 0, nice = 0, system = 0] = (read("/proc/stat").split("\n", 1)[0] ?? "")
    .split(/\s+/u)
    .map(Number);
  return user > 0 ? (user + nice + system) * TICK_MS : undefined;
}

function oursMs(pids: readonly number[]): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + pids.reduce((sum, pid) => sum + processMs(pid), 0);
}

/** With its children, living and dead. */
function processMs(pid: number): number {
  // The name, which may hold anything, ends with the last bracket.
  const fields = read(`/proc/${pid}/stat`).split(")").at(-1)?.trim().split(" ") ?? [];
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean);
  return children.reduce((sum, child) => sum + processMs(Number(child)), ticks * TICK_MS);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
