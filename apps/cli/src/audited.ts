import { UnderstudyError } from "@understudy/core";
import type { Who } from "@understudy/operator";

import type { Session } from "./session.ts";

interface Entry extends Who {
  readonly action: "enqueue" | "cancel";
  readonly subject: string;
}

/** Does what is not the operator's to do, written into the audit log before and after as its own acts are. */
export async function audited<T>(
  { operator }: Pick<Session, "operator">,
  entry: Entry,
  work: () => Promise<T>,
  resultOf: (done: T) => string,
): Promise<T> {
  const of = await operator.note(entry);
  try {
    const done = await work();
    await operator.note({ ...entry, result: resultOf(done), of });
    return done;
  } catch (error) {
    const result = `failed: ${error instanceof UnderstudyError ? error.code : "unexpected"}`;
    // What went wrong matters more than that it cannot be written down either.
    await operator.note({ ...entry, result, of }).catch(() => undefined);
    throw error;
  }
}
