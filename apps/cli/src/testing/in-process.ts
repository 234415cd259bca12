import { vi } from "vitest";

import { run } from "../run.ts";
import type { Ended } from "./cli.ts";

/**
 * What the process would do, without the second that it takes to start. One at a time: output and environment are this
 * process's own for as long as it runs.
 */
export async function inProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const said = { out: "", err: "" };
  const hear = (stream: "out" | "err") => (text: unknown) => (said[stream] += String(text)) !== "";
  const ears = [
    vi.spyOn(process.stdout, "write").mockImplementation(hear("out")),
    vi.spyOn(process.stderr, "write").mockImplementation(hear("err")),
    // The runner of the tests has a console of its own; that of a process writes to stdout.
    vi.spyOn(console, "log").mockImplementation((line: unknown) => void hear("out")(`${String(line)}\n`)),
  ];
  const before = process.env;
  process.env = { ...env };
  try {
    return { code: await run(args, process.env), ...said };
  } finally {
    process.env = before;
    for (const ear of ears) ear.mockRestore();
  }
}
