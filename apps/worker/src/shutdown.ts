import type { Runtime } from "@understudy/runtime";
import type { Logger } from "pino";

interface Parts {
  readonly log: Logger;
  readonly runtime: Runtime;
  readonly deadlineMs: number;
  readonly afterwards: () => Promise<void>;
}

/** The first SIGTERM or SIGINT drains; a second one ends at once and says what that leaves behind. */
export function drainOnSignal({ log, runtime, deadlineMs, afterwards }: Parts): void {
  let draining = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (draining) {
      log.error(
        { event: "ended", signal },
        "ended at once: running jobs keep their locks and are taken up again when these expire",
      );
      process.exit(1);
    }
    draining = true;
    log.info(
      { event: "draining", signal, deadlineMs },
      "draining: taking nothing new, letting running calls finish",
    );
    void drain().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ event: "drain_failed", error }, "the drain failed");
        process.exit(1);
      },
    );
  };
  const drain = async (): Promise<void> => {
    await runtime.close({ deadlineMs });
    await afterwards();
    log.info({ event: "stopped" }, "stopped");
    log.flush();
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  // Whoever started us over an IPC channel is gone: do not outlive it.
  process.on("disconnect", () => {
    if (!draining) onSignal("SIGTERM");
  });
}
