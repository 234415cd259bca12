import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { until } from "@understudy/testkit";
import { onTestFinished } from "vitest";

/** One line of the worker's log. */
export interface LogLine {
  readonly event?: string;
  readonly verdict?: string;
  readonly port?: number;
  readonly pid?: number;
  /** Of a worker under a supervisor. */
  readonly process?: number;
  readonly role?: string;
  readonly msg: string;
}

export interface RunningWorker {
  readonly child: ChildProcess;
  /** Its exit status, once all it said has been read. */
  readonly ended: Promise<number | null>;
  output(): string;
  lines(): readonly LogLine[];
  /** Waits for a line of the log. */
  line(test: (line: LogLine) => boolean): Promise<LogLine>;
  get(path: string): Promise<{ readonly status: number; readonly text: string }>;
}

/** A fake that the worker is to use. */
interface Fake {
  readonly provider: string;
  readonly config: Readonly<Record<string, string>>;
}

const main = join(import.meta.dirname, "../main.ts");

/** The worker as its users start it: a process of its own, told everything by its environment. */
export function startWorker(
  env: Readonly<Record<string, string>>,
  sendgrid?: Fake,
  flags: readonly string[] = [],
): RunningWorker {
  const settings = {
    PATH: process.env["PATH"] ?? "",
    ROUTE_EMAIL_SEND: "sendgrid",
    SENDGRID_API_KEY: sendgrid?.config["apiKey"] ?? "",
    SENDGRID_BASE_URL: sendgrid?.config["baseUrl"] ?? "",
    HTTP_PORT: "0",
    LOG_LEVEL: "debug",
    ...env,
  };
  const child = spawn(process.execPath, ["--conditions=@understudy/source", main, ...flags], {
    env: settings,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  // Not "close", which never comes once the IPC channel was cut from this side.
  const ended = Promise.all([
    once(child, "exit"),
    once(child.stdout!, "end"),
    once(child.stderr!, "end"),
  ]).then(([[code]]) => code as number | null);
  const lines = (): readonly LogLine[] =>
    output
      .split("\n")
      .slice(0, -1)
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as LogLine);
  const line = async (test: (line: LogLine) => boolean): Promise<LogLine> =>
    await until(`a line of the worker's log; it said: ${output}`, () => lines().find(test));
  return {
    child,
    ended,
    output: () => output,
    lines,
    line,
    async get(path) {
      const { port } = await line(({ event }) => event === "started");
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: response.status, text: await response.text() };
    },
  };
}
