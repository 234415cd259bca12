import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** One line of a child's JSON output. */
export type Line = Readonly<Record<string, unknown>>;

export interface App {
  readonly name: string;
  /** Rejects when the app ends before the line came. */
  first(test: (line: Line) => boolean): Promise<Line>;
  /** Resolves when it has ended; SIGKILL follows when it has not within the time. */
  stop(withinMs: number): Promise<void>;
  /** Its exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

interface AppOptions {
  readonly name: string;
  /** Relative to the repository. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logDir: string;
  readonly onLine?: (line: Line) => void;
  /** Whether its log goes on from the one before. */
  readonly isAgain?: boolean;
}

const repo = join(import.meta.dirname, "../..");

/**
 * Starts one of our apps as a process group of its own, so that Ctrl-C reaches only the tour, which then drains in order.
 * The IPC channel tells the app when the tour is gone, however it went.
 */
export function startApp({ name, main, env, logDir, onLine, isAgain }: AppOptions): App {
  mkdirSync(logDir, { recursive: true });
  const log = createWriteStream(join(logDir, `${name}.log`), { flags: isAgain ? "a" : "w" });
  const child = spawn(process.execPath, ["--conditions=@understudy/source", join(repo, main)], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
  });
  const waiting = new Set<(line: Line) => void>();
  createInterface({ input: child.stdout! }).on("line", (text) => {
    log.write(`${text}\n`);
    const line = parse(text);
    if (line === undefined) return;
    for (const look of waiting) look(line);
    onLine?.(line);
  });
  let complaint = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    complaint = `${complaint}${chunk.toString()}`.slice(-2000);
    log.write(chunk);
  });
  const ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);

  return {
    name,
    ended,
    async first(test) {
      const seen = new Promise<Line>((resolve) => {
        const look = (line: Line): void => {
          if (!test(line)) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
      });
      const died = ended.then((code) => {
        throw new Error(`${name} ended (${code}) while starting.\n${complaint.trim()}`);
      });
      return await Promise.race([seen, died]);
    },
    stop: (withinMs) => stop(child, ended, withinMs),
  };
}

async function stop(child: ChildProcess, ended: Promise<unknown>, withinMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const overdue = setTimeout(() => child.kill("SIGKILL"), withinMs);
  await ended;
  clearTimeout(overdue);
}

function parse(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}
