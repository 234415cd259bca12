import { createHash } from "node:crypto";

import { openLogChain, type Redis } from "@understudy/queue";

import type { Actor } from "./roles.ts";

/** One line of the audit log. */
export interface AuditEntry {
  /** 1 for the first; no number is missing. */
  readonly number: number;
  /** By chance: tells an entry from its like. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Who did it. */
  readonly by: string;
  readonly role: string;
  /** "redrive", "release", "run.start", "queue.pause", "sign-in" … */
  readonly action: string;
  /** What it was done to: a letter's id, a run's, a queue, a filter as JSON. */
  readonly subject: string;
  readonly reason?: string;
  /** What it was expected to do, for bulk actions. */
  readonly plan?: unknown;
  /** What came of it; absent in the entry that was written before it was done. */
  readonly result?: string;
  /** The entry that announced what this one tells the result of. */
  readonly of?: number;
  /** Of the entry before; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256 over all of the above. */
  readonly hash: string;
}

export interface AuditPage {
  /** The newest first. */
  readonly entries: readonly AuditEntry[];
  readonly total: number;
}

export type Verification =
  | {
      readonly ok: true;
      readonly entries: number;
      /** The last hash. Kept elsewhere, it shows up whoever rewrites the whole log. */
      readonly head: string;
    }
  | {
      readonly ok: false;
      readonly entries: number;
      readonly firstBad: number;
      readonly problem: string;
    };

export type NewEntry = Omit<AuditEntry, "number" | "id" | "at" | "by" | "role" | "previous" | "hash"> & {
  readonly by: Actor;
};

export interface AuditLog {
  /** @param id made by chance; appending the same one again soon changes nothing */
  append(entry: NewEntry, now: number, id?: string): Promise<AuditEntry>;
  page(page: { readonly limit: number; readonly before?: number | undefined }): Promise<AuditPage>;
  verify(after?: { readonly entries: number; readonly head: string }): Promise<Verification>;
}

const NO_HASH = "0".repeat(64);
const AT_ONCE = 1000;
/** Among so many it is looked whether an entry, whose answer was lost, was written all the same. */
const RECENT = 50;

export function openAuditLog(redis: Redis, namespace?: string): AuditLog {
  const chain = openLogChain(redis, namespace);
  return {
    async append({ by, ...entry }, now, id = crypto.randomUUID()) {
      const own = (await chain.read(-RECENT, -1)).find((line) => read(line)?.id === id);
      if (own !== undefined) return JSON.parse(own) as AuditEntry;
      const line = await chain.append((last) => {
        const before = last === undefined ? undefined : read(last);
        const next = {
          number: (before?.number ?? 0) + 1,
          id,
          at: now,
          by: by.name,
          role: by.role,
          ...entry,
          previous: before?.hash ?? NO_HASH,
        };
        return JSON.stringify({ ...next, hash: hashOf(next) });
      });
      return JSON.parse(line) as AuditEntry;
    },
    async page({ limit, before }) {
      const total = await chain.length();
      const end = Math.min(total, (before ?? Infinity) - 1);
      const lines = end <= 0 ? [] : await chain.read(Math.max(0, end - limit), end - 1);
      const entries = lines.flatMap((line) => read(line) ?? []).toReversed();
      return { entries, total };
    },
    async verify({ entries, head } = { entries: 0, head: NO_HASH }) {
      let previous = head;
      let number = entries;
      const [known] = entries === 0 ? [] : await chain.read(entries - 1, entries - 1);
      if (entries > 0 && (known === undefined || read(known)?.hash !== head)) {
        const problem = known === undefined ? "is missing" : "is another one than it was";
        return { ok: false, entries: await chain.length(), firstBad: entries, problem };
      }
      for (;;) {
        const lines = await chain.read(number, number + AT_ONCE - 1);
        for (const line of lines) {
          number += 1;
          const entry = read(line);
          const problem = problemWith(entry, number, previous);
          if (entry === undefined || problem !== undefined)
            return {
              ok: false,
              entries: await chain.length(),
              firstBad: number,
              problem: problem ?? "is no entry",
            };
          previous = entry.hash;
        }
        if (lines.length < AT_ONCE) return { ok: true, entries: number, head: previous };
      }
    },
  };
}

function problemWith(entry: AuditEntry | undefined, number: number, previous: string): string | undefined {
  if (entry === undefined) return "cannot be read";
  if (entry.number !== number)
    return `says that it is number ${entry.number}: entries before it are missing or were added`;
  if (entry.previous !== previous) return "does not follow from the entry before it";
  const { hash, ...rest } = entry;
  return hashOf(rest) === hash ? undefined : "was changed after it was written";
}

function hashOf(entry: Omit<AuditEntry, "hash">): string {
  return createHash("sha256").update(JSON.stringify(entry)).digest("hex");
}

function read(line: string): AuditEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "hash" in value ? (value as AuditEntry) : undefined;
  } catch {
    return undefined;
  }
}
