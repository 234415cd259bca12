import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { beforeEach, describe, expect, onTestFinished, test } from "vitest";

const bootstrap = join(import.meta.dirname, "bootstrap.mjs");
const pseudoTerminal = existsSync("/usr/bin/script");

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "understudy-bootstrap-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
});

/** A program that says when it is up, and tells the signals it got when it has had time to get a second one. */
const listener = `const got = [];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => {
    if (got.push(signal) === 1) setTimeout(() => { console.log("got " + got.join(" ")); process.exit(7); }, 300);
  });
setInterval(() => {}, 1000);
console.log("up");`;

function program(code: string): string {
  const file = join(dir, "program.mjs");
  writeFileSync(file, code);
  return file;
}

function start(command: string, args: readonly string[], env = process.env): ChildProcessWithoutNullStreams {
  const child = spawn(command, args, { env, detached: true });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

interface End {
  readonly code: number | null;
  readonly output: string;
}

/** Runs to the end; `act` is called once the program is up. */
async function run(child: ChildProcessWithoutNullStreams, act?: () => void): Promise<End> {
  let output = "";
  let acted = false;
  const add = (chunk: Buffer): void => {
    output += chunk.toString();
    if (acted || !/^up\s/mu.test(output)) return;
    acted = true;
    act?.();
  };
  child.stdout.on("data", add);
  child.stderr.on("data", add);
  await once(child, "close");
  return { code: child.exitCode, output };
}

describe("the program's end is the bootstrap's end", () => {
  test("its exit code is passed on", async () => {
    expect(await run(start(process.execPath, [bootstrap, program("process.exit(42)")]))).toMatchObject({
      code: 42,
    });
  });

  test("a program that a signal ended becomes 128 and the signal's number", async () => {
    const child = start(process.execPath, [bootstrap, program('process.kill(process.pid, "SIGKILL")')]);
    expect(await run(child)).toMatchObject({ code: 137 });
  });

  test("a tool that does not exist is 127, and is named", async () => {
    const { code, output } = await run(start(process.execPath, [bootstrap, "no-such-tool"]));
    expect({ code, output }).toMatchObject({
      code: 127,
      output: expect.stringContaining("no-such-tool did not start"),
    });
  });
});

describe("signals", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "%s to the bootstrap alone reaches the program once",
    async (signal) => {
      const child = start(process.execPath, [bootstrap, program(listener)]);
      const { code, output } = await run(child, () => child.kill(signal));
      expect(output).toContain(`got ${signal}\n`);
      expect(code).toBe(7);
    },
  );

  test.skipIf(!pseudoTerminal)(
    `Ctrl-C in a terminal reaches the program once, not twice${pseudoTerminal ? "" : " (skipped: no script command to make a terminal)"}`,
    async () => {
      const command = `exec '${process.execPath}' '${bootstrap}' '${program(listener)}'`;
      const child = start("/usr/bin/script", ["-qec", command, "/dev/null"]);
      const { code, output } = await run(child, () => child.stdin.write("\u0003"));
      expect(output.replaceAll("\r", "")).toContain("got SIGINT\n");
      expect(code).toBe(7);
    },
  );
});

describe("when a tool cannot be fetched, the message says what to do", () => {
  const empty = (): NodeJS.ProcessEnv => ({ HOME: dir, UNDERSTUDY_CACHE_DIR: join(dir, "cache"), PATH: dir });

  test("npm is missing", async () => {
    const { code, output } = await run(start(process.execPath, [bootstrap, program("")], empty()));
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringMatching(/npm is not on PATH.*install Node/su),
    });
  });

  test("the registry does not answer", async () => {
    const PATH = `${dirname(process.execPath)}:${process.env["PATH"]}`;
    // A loopback port that nothing listens on plays the network that is down.
    const env = {
      ...empty(),
      PATH,
      npm_config_registry: "http://127.0.0.1:9",
      npm_config_fetch_retries: "0",
    };
    const { code, output } = await run(start(process.execPath, [bootstrap, program("")], env));
    expect(output).toMatch(/could not fetch pnpm@.*check the network/su);
    expect(output).not.toContain("at fetchTool");
    expect(code).toBe(1);
  });
});
