import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A process of the bench: it says it is up in a line of JSON, and ends with us. */
export interface Program {
  readonly pid: number;
  /** What it said when it was up. */
  readonly said: Readonly<Record<string, unknown>>;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL when that is not heeded; resolves when it is gone. */
  stop(): Promise<void>;
}

export const repo = join(import.meta.dirname, "../../../..");

const PATIENCE_MS = 5000;

/** @param main relative to the repository. @throws Error with its last words when it ends before it is up */
export async function startProgram(
  main: string,
  env: Readonly<Record<string, string>>,
  isUp: (line: Readonly<Record<string, unknown>>) => boolean,
  args: readonly string[] = [],
): Promise<Program> {
  const child = spawn(process.execPath, ["--conditions=@understudy/source", join(repo, main), ...args], {
    cwd: repo,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // A group of its own: Ctrl-C is for us, and we end the others in order.
    detached: true,
  });
  const said = await firstLine(child, isUp);
  const ended = once(child, "exit");
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (isGone()) return;
    child.kill(signal);
    const overdue = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    await ended;
    clearTimeout(overdue);
  };
  return { pid: child.pid ?? 0, said, kill: () => end("SIGKILL"), stop: () => end("SIGTERM") };
}

async function firstLine(
  child: ChildProcess,
  isUp: (line: Readonly<Record<string, unknown>>) => boolean,
): Promise<Readonly<Record<string, unknown>>> {
  let lastWords = "";
  child.stderr?.on("data", (chunk: Buffer) => (lastWords = `${lastWords}${chunk.toString()}`.slice(-2000)));
  const lines = createInterface({ input: child.stdout! });
  const up = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
    lines.on("line", (text) => {
      const line = parse(text);
      if (line !== undefined && isUp(line)) resolve(line);
    });
  });
  const died = once(child, "exit").then(([code]) => {
    throw new Error(`${child.spawnargs.at(-1)} ended (${String(code)}) while starting.\n${lastWords.trim()}`);
  });
  return await Promise.race([up, died]);
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
