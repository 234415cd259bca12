import type { TrackRequest } from "@understudy/core";

/** A row as it is bound: one text holds all of them as JSON. */
export interface Row {
  readonly id: string;
  readonly name: string;
  readonly at: string;
  readonly userId?: string | undefined;
  readonly anonymousId?: string | undefined;
  readonly properties?: unknown;
  readonly jobId: string;
}

export function rowsOf({ userId, anonymousId, events }: TrackRequest, jobId: string): readonly Row[] {
  return events.map(({ id, name, at, properties }) => ({
    id,
    name,
    at: new Date(at).toISOString(),
    userId,
    anonymousId,
    properties,
    jobId,
  }));
}

/**
 * Inserts the events that are not there yet. The text depends on the table alone; what comes from outside is bound.
 * Two events of one id in the same batch become one row: of rows that match nothing MERGE would insert each.
 */
export function statementFor(table: readonly [database: string, schema: string, table: string]): string {
  return `MERGE INTO ${table.map((name) => `"${name}"`).join(".")} AS kept
USING (
  SELECT
    value:id::VARCHAR AS event_id,
    value:name::VARCHAR AS name,
    value:at::TIMESTAMP_TZ AS occurred_at,
    value:userId::VARCHAR AS user_id,
    value:anonymousId::VARCHAR AS anonymous_id,
    value:properties AS properties,
    value:jobId::VARCHAR AS job_id
  FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?)))
  QUALIFY ROW_NUMBER() OVER (PARTITION BY value:id::VARCHAR ORDER BY index) = 1
) AS sent
ON kept.event_id = sent.event_id
WHEN NOT MATCHED THEN
  INSERT (event_id, name, occurred_at, user_id, anonymous_id, properties, job_id)
  VALUES (sent.event_id, sent.name, sent.occurred_at, sent.user_id, sent.anonymous_id, sent.properties, sent.job_id)`;
}
