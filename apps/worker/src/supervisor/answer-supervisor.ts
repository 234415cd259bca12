import type { MetricsJson } from "../metrics.ts";
import type { FromSupervisor, FromWorker } from "./messages.ts";

/** Set by a supervisor for its workers, and by nobody else. */
export const NUMBER_VARIABLE = "UNDERSTUDY_PROCESS_NUMBER";

const LOOK_EVERY_MS = 100;
const TELL_EVERY_MS = 1000;

interface Worker {
  readonly isReady: () => boolean;
  /** How many jobs. */
  readonly running: () => number;
  readonly metrics: () => Promise<MetricsJson>;
}

/** Of this worker under its supervisor, from 1 on; undefined when it has none. */
export function numberOfThisProcess(): number | undefined {
  const number = Number(process.env[NUMBER_VARIABLE]);
  return process.send !== undefined && Number.isInteger(number) && number > 0 ? number : undefined;
}

/** The worker's end of the channel. To be called when it hears signals, for the supervisor keeps them back until then. */
export function answerSupervisor({ isReady, running, metrics }: Worker): void {
  let told: { readonly isReady: boolean; readonly running: number; readonly at: number } | undefined;
  const look = (): void => {
    const is = { isReady: isReady(), running: running(), at: performance.now() };
    const isOld = told?.isReady === is.isReady && told.running === is.running;
    if (isOld && is.at - told!.at < TELL_EVERY_MS) return;
    told = is;
    tell({ kind: "stands", isReady: is.isReady, running: is.running });
  };
  const answer = async ({ kind, id }: FromSupervisor): Promise<void> => {
    if (kind === "metrics") tell({ kind, id, metrics: await metrics() });
  };
  process.on("message", (message: FromSupervisor) => void answer(message));
  setInterval(look, LOOK_EVERY_MS);
  look();
}

/** Why this process ends: to its supervisor, which says it once for all of them, else on standard error. */
export async function tellRefusal(message: string): Promise<void> {
  if (numberOfThisProcess() === undefined) console.error(message);
  else await new Promise<void>((resolve) => tell({ kind: "refused", message }, resolve));
}

/** A supervisor that is gone is told nothing: its end is heard as "disconnect". */
function tell(message: FromWorker, then: () => void = () => undefined): void {
  process.send?.(message, undefined, {}, then);
}
