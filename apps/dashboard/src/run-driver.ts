import type { Operator, Who } from "@understudy/operator";
import type { Logger } from "pino";

/** Does the work of bulk actions in the background of this process. */
export interface RunDriver {
  /** Begins; or goes on, in somebody's name who was asked whether they may. One that was just stopped may still be on its way out here: then after that. */
  drive(runId: string, resume?: Who): void;
  /** Ends what is being driven here, also when it has hardly begun. Elsewhere the operator's own stop does. */
  stop(runId: string): void;
  /** What is being driven stops where it is, and can be resumed anywhere. */
  close(): Promise<void>;
}

interface Driving {
  readonly ended: Promise<void>;
  readonly giveUp: AbortController;
}

export function createRunDriver(operator: Pick<Operator, "drive">, log: Logger): RunDriver {
  const driving = new Map<string, Driving>();
  let isClosing = false;
  const work = async (runId: string, resume: Who | undefined, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return;
    try {
      await operator.drive(runId, { signal, ...(resume === undefined ? {} : { resume }) });
    } catch (error) {
      if (!signal.aborted)
        log.error({ event: "run_failed", runId, error }, "a bulk action stands still; it can be resumed");
    }
  };
  return {
    drive(runId, resume) {
      if (isClosing) return;
      const before = driving.get(runId)?.ended ?? Promise.resolve();
      const giveUp = new AbortController();
      const ended = before
        .then(() => work(runId, resume, giveUp.signal))
        .finally(() => {
          if (driving.get(runId)?.giveUp === giveUp) driving.delete(runId);
        });
      driving.set(runId, { ended, giveUp });
    },
    stop: (runId) => driving.get(runId)?.giveUp.abort(),
    async close() {
      isClosing = true;
      for (const { giveUp } of driving.values()) giveUp.abort();
      await Promise.allSettled([...driving.values()].map(({ ended }) => ended));
    },
  };
}
