import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { command } from "../testing/cli.ts";
import { inProcess } from "../testing/in-process.ts";

async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const { out } = await inProcess(["complete", "--", ...words]);
  const lines = out.trimEnd().split("\n");
  return lines.slice(0, -1).map((line) => line.split("\t")[0] ?? "");
}

test("commands, flags, and the names of queues, jobs and providers are offered", async () => {
  const [commands, flags, queue, provider, causes, job] = [
    await offered("dead-letters", "l"),
    await offered("queues", "ls", "--j"),
    await offered("queues", "pause", ""),
    await offered("dead-letters", "redrive", "--to", "s"),
    await offered("dead-letters", "ls", "--cause", "e"),
    await offered("enqueue", "w"),
  ];
  expect(commands).toEqual(["ls", "look-up"]);
  expect(flags).toEqual(["--json"]);
  expect(queue).toEqual(
    ["payments", "email", "analytics"].toSorted((a, b) => queue.indexOf(a) - queue.indexOf(b)),
  );
  expect(provider).toEqual(expect.arrayContaining(["sendgrid", "stripe"]));
  expect(causes).toEqual(["exhausted", "expired"]);
  expect(job).toEqual(["welcome-email"]);
});

test("bash completes with the script, and never runs what stands on the line", async () => {
  const folder = mkdtempSync(join(tmpdir(), "understudy-completion-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { out } = await inProcess(["completion", "bash"]);
  const script = join(folder, "completion.bash");
  writeFileSync(script, out);
  execFileSync("bash", ["-n", script]);
  const understudy = join(folder, "understudy");
  writeFileSync(understudy, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`);
  chmodSync(understudy, 0o755);
  const trap = join(folder, "trap");
  // What bash does at Tab: the words so far, and which of them the cursor is at.
  const ask = `source '${script}'
COMP_WORDS=(understudy queues pause --reason '$(touch ${trap})' em); COMP_CWORD=5; _understudy
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env["PATH"]}` };
  expect(execFileSync("bash", ["-c", ask], { env }).toString()).toBe("email\n");
  expect(existsSync(trap)).toBe(false);
});

test.each(["zsh", "fish"] as const)("%s gets a script that asks this program", async (shell) => {
  const { code, out } = await inProcess(["completion", shell]);
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining("understudy complete --") });
  const path = ["/usr/bin", "/bin", "/usr/local/bin"]
    .map((dir) => join(dir, shell))
    .find((file) => existsSync(file));
  if (path !== undefined) execFileSync(path, ["-n"], { input: out });
});
