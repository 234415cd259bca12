/** Keys by which a person at the terminal breaks and mends the primary provider. */
export interface KeyActions {
  readonly kill: () => void;
  readonly hang: () => void;
  readonly restore: () => void;
  readonly quit: () => void;
}

export const keyHelp = "keys: k kill sendgrid   h make it hang   r restore   q quit";

/** Listens while there is a terminal to type in; the answer stops listening. */
export function listenForKeys(input: NodeJS.ReadStream, actions: KeyActions): () => void {
  if (!input.isTTY) return () => undefined;
  const byKey: Readonly<Record<string, () => void>> = {
    k: actions.kill,
    h: actions.hang,
    r: actions.restore,
    q: actions.quit,
    // In raw mode Ctrl-C is a key like any other.
    "\u0003": actions.quit,
  };
  const onData = (data: Buffer): void => {
    for (const key of data.toString().toLowerCase()) byKey[key]?.();
  };
  input.setRawMode(true);
  input.on("data", onData).resume();
  return () => {
    input.off("data", onData).pause();
    input.setRawMode(false);
  };
}
