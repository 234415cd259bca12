import type { Logger } from "pino";

import { GRACE_MS, SAME_SIGNAL_MS } from "../shutdown.ts";
import { type Crew, howItEnded, lost } from "./crew.ts";

interface Parts {
  readonly log: Logger;
  readonly crew: Crew;
  readonly deadlineMs: number;
  readonly after: () => Promise<void>;
}

/** Past the workers' own deadline and grace, and past the second signal: so each can say itself what it leaves behind. */
const KILL_AFTER_MS = 1000;
const REFUSED = 2;

/**
 * The first SIGTERM, SIGINT or SIGHUP goes on to every worker, and each drains; a second one ends all at once. The status is 0 when
 * every worker's was.
 * @returns ends all with status 2
 */
export function drainCrewOnSignal({ log, crew, deadlineMs, after }: Parts): () => void {
  let since: number | undefined;
  const drain = async (signal: NodeJS.Signals, status?: number): Promise<never> => {
    since = performance.now();
    setTimeout(() => killAll(crew, log), deadlineMs + GRACE_MS + KILL_AFTER_MS);
    const bad = (await crew.drain(signal)).filter(({ end }) => end.code !== 0);
    await after();
    const how = bad.map(({ number, end }) => `worker ${number} (${howItEnded(end)})`).join(", ");
    if (bad.length === 0) log.info({ event: "stopped" }, "stopped");
    else if (status === undefined) log.error({ event: "stopped" }, `stopped; not in good order: ${how}`);
    log.flush();
    process.exit(status ?? (bad.length === 0 ? 0 : 1));
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (since === undefined) {
      log.info(
        { event: "draining", signal, deadlineMs },
        `draining ${crew.living().length} workers; the same signal again ends all at once`,
      );
      void drain(signal);
    } else if (performance.now() - since > SAME_SIGNAL_MS) {
      log.error({ event: "ended", signal }, "ending all workers at once");
      for (const worker of crew.living()) worker.kill(signal);
      setTimeout(() => killAll(crew, log), KILL_AFTER_MS);
    }
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal).on("SIGHUP", onSignal);
  // Whoever started us over an IPC channel is gone: do not outlive it.
  process.on("disconnect", () => {
    if (since === undefined) onSignal("SIGTERM");
  });
  return () => void drain("SIGTERM", REFUSED);
}

function killAll(crew: Crew, log: Logger): void {
  for (const worker of crew.living()) {
    log.error(
      { event: "killed", process: worker.number, childPid: worker.pid },
      `worker ${worker.number} did not end and is killed; ${lost(worker.running())}`,
    );
    worker.kill("SIGKILL");
  }
}
