import type { Logger } from "pino";

/** npm and process managers pass on a signal that the terminal sent to all: within this time it is the same one. */
const SAME_SIGNAL_MS = 300;
const DEADLINE_MS = 5000;

/** The first SIGTERM, SIGINT or SIGHUP closes; a second one, or a close that hangs, ends at once. */
export function drainOnSignal(log: Logger, close: () => Promise<void>): void {
  let since: number | undefined;
  const end = (code: number): never => {
    log.flush();
    process.exit(code);
  };
  const drain = async (): Promise<void> => {
    setTimeout(() => end(1), DEADLINE_MS).unref();
    await close();
    log.info({ event: "stopped" }, "stopped");
    end(0);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (since !== undefined) {
      if (performance.now() - since > SAME_SIGNAL_MS) end(1);
      return;
    }
    since = performance.now();
    log.info({ event: "draining", signal }, "closing: bulk actions stop where they are and can be resumed");
    drain().catch((error: unknown) => {
      log.fatal({ event: "drain_failed", error }, "could not close in order");
      end(1);
    });
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal).on("SIGHUP", onSignal);
  // Whoever started us over an IPC channel is gone: do not outlive it.
  process.on("disconnect", () => onSignal("SIGTERM"));
}
