import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Complaint, exitCodes } from "./exit.ts";

/**
 * Has a person edit text in their own editor, in a file that only they can read and that is gone afterwards.
 * @throws Complaint when there is no editor, or it ended badly
 */
export async function editText(before: string, env: NodeJS.ProcessEnv): Promise<string> {
  const editor = env["VISUAL"] || env["EDITOR"];
  if (!editor)
    throw new Complaint(
      "Which editor? Set EDITOR, as in EDITOR=nano, or give the new payload with --payload.",
    );
  // mkdtemp makes the folder for its owner alone.
  const folder = mkdtempSync(join(tmpdir(), "understudy-edit-"));
  const forget = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", forget);
  try {
    const file = join(folder, "payload.json");
    writeFileSync(file, `${before}\n`, { mode: 0o600 });
    // The variable may hold flags, as in "code --wait"; the shell splits them, and never sees the file's name as code.
    const child = spawn("sh", ["-c", `${editor} "$1"`, "sh", file], { stdio: "inherit" });
    const [code] = (await once(child, "exit")) as readonly (number | null)[];
    if (code !== 0)
      throw new Complaint(
        `The editor ended with status ${code ?? "unknown"}. Nothing was changed.`,
        exitCodes.leftAlone,
      );
    return readFileSync(file, "utf8");
  } finally {
    forget();
    process.off("exit", forget);
  }
}
