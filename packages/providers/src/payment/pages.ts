import type { Failure } from "@understudy/core";

export interface Page<Item> {
  readonly items: readonly Item[];
  /** What to ask for next; absent on the last page. */
  readonly next?: string;
}

/** Everything on all pages, or the failure of the first page that could not be had. The call's deadline bounds it. */
export async function everyPage<Item>(
  ask: (cursor: string | undefined) => Promise<Page<Item> | Failure>,
): Promise<readonly Item[] | Failure> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    if ("kind" in page) return page;
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return items;
}

export function isFailure(found: readonly unknown[] | Failure): found is Failure {
  return !Array.isArray(found);
}
