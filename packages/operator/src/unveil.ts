import { isDeepStrictEqual } from "node:util";

import { HIDDEN } from "@understudy/core";

import { invalid } from "./check.ts";

/**
 * An edited payload as it is to be stored. Whoever edited it saw "[hidden]" in place of what is sensitive: where they left that
 * standing, what really stands there is kept. Not inside a list that was changed: its items may have moved, and one must not get
 * what another hides.
 * @throws UnderstudyError option_invalid when it stands where nothing was hidden
 */
export function unveiled(edited: unknown, shown: unknown, stored: unknown): unknown {
  const payload = restore(edited, shown, stored);
  if (!holdsHidden(payload)) return payload;
  throw invalid(
    `${HIDDEN} stands where nothing hidden stood. Leave a list that holds it as it was, or write it whole; nothing was changed.`,
  );
}

function restore(edited: unknown, shown: unknown, stored: unknown): unknown {
  if (isDeepStrictEqual(edited, shown)) return stored;
  if (!isRecord(edited) || !isRecord(shown) || !isRecord(stored)) return edited;
  const entries = Object.entries(edited).map(([name, value]) =>
    Object.hasOwn(shown, name) ? [name, restore(value, shown[name], stored[name])] : [name, value],
  );
  return Object.fromEntries(entries) as unknown;
}

function holdsHidden(value: unknown): boolean {
  if (value === HIDDEN) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsHidden);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
