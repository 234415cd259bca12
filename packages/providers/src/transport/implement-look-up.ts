import type { Capability, LookUp, LookUpCall, ReceiptOf, RequestOf } from "@understudy/core";

import { type Answer, outcomeOf } from "./implement.ts";

/** What a look-up found, when it could be made. */
export type Found<Receipt> = Answer<Receipt> | "not_found" | "cannot_tell";

/** Makes a look-up of a function that asks, as `implement` makes an adapter. */
export function implementLookUp<C extends Capability>(
  provider: string,
  secrets: readonly string[],
  ask: (request: RequestOf<C>, call: LookUpCall) => Promise<Found<ReceiptOf<C>>>,
): LookUp<C> {
  return async (request, call) => {
    let nothing: "not_found" | "cannot_tell" | undefined;
    const outcome = await outcomeOf<ReceiptOf<C>>(provider, { secrets, request }, async () => {
      const found = await ask(request, call);
      if (typeof found !== "string") return found;
      nothing = found;
      return { kind: "withheld", code: found };
    });
    // Look-ups pass no gate that could make anything of it.
    const { pace: _, ...rest } = outcome;
    return nothing ?? rest;
  };
}
