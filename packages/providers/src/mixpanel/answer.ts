import type { Undelivered } from "@understudy/core";
import * as z from "zod";

import { allTaken, taken, type TrackItem, type TrackOutcome } from "../analytics/batch.ts";
import { parseJson, type Refusals } from "../transport/classify.ts";
import type { Answer } from "../transport/implement.ts";
import type { Reply } from "../transport/transport.ts";

const imported = z.object({ code: z.literal(200), num_records_imported: z.int(), status: z.string() });

const failedRecord = z.object({
  index: z.int().nonnegative(),
  field: z.string().optional(),
  message: z.string().optional(),
});
const partly = z.object({
  code: z.literal(400),
  num_records_imported: z.int().nonnegative(),
  failed_records: z.array(failedRecord).min(1),
});

type FailedRecord = z.output<typeof failedRecord>;

/** A request that was not looked into; one with failed records is `answersOf`'s, or not understood. */
export const refusals: Refusals = {
  body: z.object({
    code: z.literal(400),
    error: z.string(),
    failed_records: z.array(z.unknown()).max(0).nullish(),
  }),
  rules: [],
};

/**
 * What Mixpanel did with the events of each job; undefined when it did nothing with any, or does not say it of all. A 400 that
 * names the events it refuses has imported the others.
 */
export function answersOf(
  reply: Reply | undefined,
  items: readonly TrackItem[],
): Answer<readonly TrackOutcome[]> | undefined {
  if (reply?.at !== "answered") return undefined;
  const body = parseJson(reply.body.toString());
  const count = items.reduce((sum, { request }) => sum + request.events.length, 0);
  if (reply.status === 200)
    return imported.safeParse(body).data?.num_records_imported === count ? allTaken(items, true) : undefined;
  const said = reply.status === 400 ? partly.safeParse(body).data : undefined;
  if (said === undefined) return undefined;
  const failed = new Map(said.failed_records.map((record) => [record.index, record]));
  const isWhole = said.num_records_imported + failed.size === count && Math.max(...failed.keys()) < count;
  return isWhole ? { kind: "delivered", final: true, receipt: eachOf(items, failed) } : undefined;
}

/** By the place of an event in the request: two jobs may hold events of the same id. */
function eachOf(
  items: readonly TrackItem[],
  failed: ReadonlyMap<number, FailedRecord>,
): readonly TrackOutcome[] {
  let first = 0;
  return items.map(({ request }) => {
    const from = first;
    first += request.events.length;
    const undelivered = request.events.flatMap(({ id }, nth): Undelivered[] => {
      const record = failed.get(from + nth);
      return record === undefined ? [] : [{ item: id, code: codeOf(record), permanent: true }];
    });
    const accepted = request.events.length - undelivered.length;
    if (accepted === 0) return refused(undelivered, failed.get(from));
    return { ...taken(accepted, true), ...(undelivered.length > 0 && { undelivered }) };
  });
}

/** All of a job's events. */
function refused([first]: readonly Undelivered[], record: FailedRecord | undefined): TrackOutcome {
  const detail = record?.message;
  const code = first?.code ?? "invalid_event";
  return { kind: "rejected", code, ...(detail !== undefined && { detail }) };
}

const fields: Readonly<Record<string, string>> = {
  event: "invalid_name",
  "properties.time": "invalid_time",
  "properties.distinct_id": "invalid_person",
  "properties.$insert_id": "invalid_id",
};

function codeOf({ field }: FailedRecord): string {
  return fields[field ?? ""] ?? "invalid_event";
}
