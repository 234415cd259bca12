import { UnderstudyError } from "@understudy/core";

import { checkMay, checkWho } from "./check.ts";
import { auditOf, type Context } from "./context.ts";
import type { Who } from "./face.ts";
import type { Action } from "./roles.ts";

export interface Deed {
  readonly action: Action;
  /** What it is done to. */
  readonly subject: string;
  readonly isMoney: boolean;
  readonly plan?: unknown;
}

/**
 * Does something in somebody's name: if they may, and written down before and after. When it cannot be written down, it is not
 * done.
 */
export async function acting<T extends string>(
  context: Context,
  given: Who,
  { action, subject, isMoney, plan }: Deed,
  act: (who: Who) => Promise<T>,
): Promise<T> {
  const who = checkWho(given);
  const audit = auditOf(context);
  const entry = { by: who.by, action, subject, reason: who.reason };
  try {
    checkMay(who, action, isMoney);
  } catch (error) {
    await audit.append({ ...entry, result: "refused: not permitted" }, context.now());
    throw error;
  }
  const begun = await audit.append({ ...entry, ...(plan === undefined ? {} : { plan }) }, context.now());
  const tell = async (result: string): Promise<void> => {
    await audit.append({ ...entry, result, of: begun.number }, context.now());
  };
  try {
    const answer = await act(who);
    await tell(answer);
    return answer;
  } catch (error) {
    // The entry before says that it was begun; why it failed is told on top of that, if Redis takes it.
    const code = error instanceof UnderstudyError ? error.code : "a bug";
    await tell(`failed: ${code}`).catch(() => undefined);
    throw error;
  }
}
