import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

import type { MetricsJson } from "../metrics.ts";
import type { Role } from "../process-config.ts";
import { NUMBER_VARIABLE } from "./answer-supervisor.ts";
import type { FromSupervisor, FromWorker } from "./messages.ts";

/** silent: it lives and has told nothing for a while, for something blocks it. */
export type WorkerState = "starting" | "ready" | "unready" | "silent" | "draining";

/** How a worker ended: by a status or a signal, or that it never began. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
  /** Why, when it refuses to run as it is configured. */
  readonly refusal?: string;
}

/** One forked worker, as its supervisor sees it. */
export interface WorkerProcess {
  readonly number: number;
  readonly pid: number | undefined;
  readonly ended: Promise<End>;
  state(): WorkerState;
  /** Jobs, as it last told. */
  running(): number;
  /** Since it was first ready; undefined while it has not been. */
  readyForMs(): number | undefined;
  /** Asks it to drain; kept back until it can hear, for before that a signal would cut its start in two. */
  drain(signal: NodeJS.Signals): void;
  /** To whatever it may be doing. */
  kill(signal: NodeJS.Signals): void;
  /** As it answers within the time, else as it last did; undefined when it never has. */
  metrics(withinMs: number): Promise<MetricsJson | undefined>;
  lastMetrics(): MetricsJson | undefined;
}

interface Options {
  /** Its main.ts or main.js. */
  readonly main: string;
  readonly number: number;
  readonly role: Role;
  readonly now: () => number;
}

const SILENT_MS = 5000;

export function forkWorker({ main, number, role, now }: Options): WorkerProcess {
  const child = fork(main, ["--role", role], {
    env: { ...process.env, [NUMBER_VARIABLE]: String(number) },
    // Of those that listen to a debugger only one can have the port.
    execArgv: process.execArgv.filter((flag) => !flag.startsWith("--inspect")),
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let heard: { readonly isReady: boolean; readonly running: number; readonly at: number } | undefined;
  let readyAt: number | undefined;
  let drainBy: NodeJS.Signals | undefined;
  let refusal: string | undefined;
  let latest: MetricsJson | undefined;
  const answers = new Map<number, () => void>();

  child.on("message", (message: FromWorker) => {
    if (message.kind === "stands") {
      if (heard === undefined && drainBy !== undefined) child.kill(drainBy);
      heard = { ...message, at: now() };
      if (message.isReady) readyAt ??= now();
    } else if (message.kind === "metrics") {
      latest = message.metrics;
      answers.get(message.id)?.();
    } else if (message.kind === "refused") refusal = message.message;
  });
  const ended = endOf(child).then((end) => (refusal === undefined ? end : { ...end, refusal }));
  let asked = 0;
  return {
    number,
    pid: child.pid,
    ended,
    state() {
      if (drainBy !== undefined) return "draining";
      if (heard === undefined) return "starting";
      if (now() - heard.at > SILENT_MS) return "silent";
      return heard.isReady ? "ready" : "unready";
    },
    running: () => heard?.running ?? 0,
    readyForMs: () => (readyAt === undefined ? undefined : now() - readyAt),
    drain(signal) {
      drainBy ??= signal;
      if (heard !== undefined) child.kill(signal);
    },
    kill: (signal) => void child.kill(signal),
    async metrics(withinMs) {
      if (heard === undefined || !child.connected) return latest;
      asked += 1;
      const id = asked;
      const answer = new Promise<void>((resolve) => answers.set(id, resolve));
      const question: FromSupervisor = { kind: "metrics", id };
      // One that is gone meanwhile is heard of by its end.
      child.send(question, () => undefined);
      await Promise.race([answer, ended, sleep(withinMs)]);
      answers.delete(id);
      return latest;
    },
    lastMetrics: () => latest,
  };
}

/** "close" comes after its last message, "exit" may come before. */
function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
    child.on("error", (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, error });
    });
  });
}
