import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { onTestFinished } from "vitest";

/** As a shell knows it. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out(): string;
  err(): string;
}

const main = join(import.meta.dirname, "../main.ts");

/** What `understudy` is on this machine, word by word. */
export const command: readonly string[] = [process.execPath, "--conditions=@understudy/source", main];

/** The CLI as its users start it, with nothing in its environment but this. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const [file = "", ...rest] = command;
  return start(file, [...rest, ...args], env);
}

/** Runs to the end. @param input what stands on stdin */
export async function cli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = "",
): Promise<Ended> {
  const running = startCli(args, env);
  running.child.stdin?.end(input);
  return await running.ended;
}

const scriptCommand = "/usr/bin/script";
export const hasTerminal = existsSync(scriptCommand);

/** The CLI in a pseudo terminal, whose input and output are the child's. */
export function startInTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const quoted = [...command, ...args].map((word) => `'${word}'`).join(" ");
  return start(scriptCommand, ["-qec", `stty cols 80; exec ${quoted}`, "/dev/null"], {
    TERM: "xterm",
    ...env,
  });
}

function start(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(file, args, { env: { PATH, HOME, ...env }, detached: true });
  onTestFinished(() => void child.kill("SIGKILL"));
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const { promise, resolve } = Promise.withResolvers<Ended>();
  child.once("close", (code) => resolve({ code, out, err }));
  return { child, ended: promise, out: () => out, err: () => err };
}
