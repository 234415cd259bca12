import * as z from "zod";

import { allTaken, type TrackItem, type TrackOutcome } from "../analytics/batch.ts";
import { parseJson, type Refusals } from "../transport/classify.ts";
import type { Answer } from "../transport/implement.ts";
import type { Reply } from "../transport/transport.ts";

/** In the shapes of https://docs.snowflake.com/en/developer-guide/sql-api/reference; anything else is some proxy's. */
const itsOwn = /"(?:code|statementHandle)"\s*:/u;

/**
 * Nothing is rejected: the statement is ours, and what comes from outside is one bound text. What Snowflake does not like of
 * it is the table, the role, the warehouse: ours to mend, and the events can wait for it.
 */
export const refusals: Refusals = {
  body: z.never(),
  rules: [
    { status: 400, body: itsOwn, kind: "unavailable", code: "misconfigured" },
    { status: 422, body: itsOwn, kind: "unavailable", code: "misconfigured" },
    // The statement took too long, and was cancelled.
    { status: 408, body: itsOwn, kind: "unavailable", code: "statement_timeout" },
  ],
};

const finished = z.object({ statementHandle: z.string().min(1), data: z.array(z.unknown()) });
const running = z.object({ statementHandle: z.string().min(1) });

/** Undefined when it is neither done nor being done. */
export function answerOf(
  reply: Reply | undefined,
  items: readonly TrackItem[],
): Answer<readonly TrackOutcome[]> | undefined {
  if (reply?.at !== "answered") return undefined;
  const body = parseJson(reply.body.toString());
  if (reply.status === 200) {
    const handle = finished.safeParse(body).data?.statementHandle;
    return handle === undefined ? undefined : { ...allTaken(items, true), externalId: handle };
  }
  if (reply.status !== 202) return undefined;
  const handle = running.safeParse(body).data?.statementHandle;
  if (handle === undefined) return undefined;
  // Asked again under the same id, Snowflake says how it ended, and does not begin a second time.
  return {
    kind: "ambiguous",
    code: "in_progress",
    detail: "The statement is still running.",
    externalId: handle,
  };
}
