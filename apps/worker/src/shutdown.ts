import { setTimeout as sleep } from "node:timers/promises";

import type { Logger } from "pino";

import type { Services } from "./services.ts";

interface Parts {
  readonly log: Logger;
  readonly services: Services;
  readonly deadlineMs: number;
  /** Called when the drain begins. */
  readonly before: () => void;
  readonly after: () => Promise<void>;
}

/** npm and process managers pass on a signal that the terminal sent to all: within this time it is the same one. */
export const SAME_SIGNAL_MS = 300;

/** After the deadline, for the last writes to Redis; what a silent Redis cannot take by then is left to the locks. */
export const GRACE_MS = 3000;

/** The first SIGTERM, SIGINT or SIGHUP drains; a second one ends at once and says what that leaves behind. */
export function drainOnSignal({ log, services, deadlineMs, before, after }: Parts): void {
  let since: number | undefined;
  const end = (code: number): never => {
    log.flush();
    process.exit(code);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (since === undefined) {
      since = performance.now();
      log.info(
        { event: "draining", signal, deadlineMs },
        "draining: taking nothing new, letting running calls finish; the same signal again ends at once",
      );
      void drain();
    } else if (performance.now() - since > SAME_SIGNAL_MS) {
      log.error({ event: "ended", signal }, `ended at once: ${leftBehind(services.running())}`);
      end(1);
    }
  };
  const drain = async (): Promise<void> => {
    before();
    const overdue = sleep(deadlineMs + GRACE_MS, "overdue" as const);
    try {
      if ((await Promise.race([services.close({ deadlineMs }), overdue])) === "overdue") {
        log.error(
          { event: "ended" },
          `ended although Redis does not answer: ${leftBehind(services.running())}`,
        );
        end(1);
      }
      await after();
    } catch (error) {
      log.fatal({ event: "drain_failed", error }, `the drain failed: ${leftBehind(services.running())}`);
      end(1);
    }
    log.info({ event: "stopped" }, "stopped");
    end(0);
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal).on("SIGHUP", onSignal);
  // Whoever started us over an IPC channel is gone: do not outlive it.
  process.on("disconnect", () => {
    if (since === undefined) onSignal("SIGTERM");
  });
  // It may have gone before anybody listened.
  if (process.send !== undefined && !process.connected) onSignal("SIGTERM");
}

const NAMED = 20;

function leftBehind(running: readonly string[]): string {
  if (running.length === 0) return "no job was running";
  const more = running.length > NAMED ? ` and ${running.length - NAMED} more` : "";
  const jobs =
    running.length === 1
      ? "1 job was running and keeps its lock"
      : `${running.length} jobs were running and keep their locks`;
  return `${jobs}, to be taken up again when that expires: ${running.slice(0, NAMED).join(", ")}${more}`;
}

/** Node would print a crash with all its fields, and a Redis error's hold the password. */
export function dieWithoutSecrets(log: Logger, running: () => readonly string[]): void {
  process.on("uncaughtException", (error) => {
    try {
      log.fatal({ event: "crashed", error }, `crashed: ${error.message}; ${leftBehind(running())}`);
      log.flush();
    } finally {
      process.exit(1);
    }
  });
}
