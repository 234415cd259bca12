import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";

export function hasEnded(child: ChildProcessWithoutNullStreams): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

export async function endOf(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  child.ref(); // see release: else this process may end in the middle of waiting
  await once(child, "exit");
}

/** The first line it prints; when it ends without one, its last words are thrown. */
export function firstLine(child: ChildProcessWithoutNullStreams): Promise<string> {
  const words = lastWords(child);
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(words() || `it ended with code ${code}`)));
  });
}

/** What it said last, on either stream. Draining both also keeps a full pipe from stopping it. */
export function lastWords(child: ChildProcessWithoutNullStreams): () => string {
  let text = "";
  const add = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-1_000);
  };
  child.stdout.on("data", add);
  child.stderr.on("data", add);
  return () => text.trim();
}

/** It must not keep a process alive that has nothing left to do. */
export function release(child: ChildProcessWithoutNullStreams): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as { unref?(): void }).unref?.();
}
