/**
 * Epoch milliseconds that only ever go on, evenly: a wall clock that is set back must not hold up a limit, nor one that is set
 * forward end an isolation.
 */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
