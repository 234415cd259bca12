/** As long as the longest id of a job, whose own is not known before it is sent. */
export const SOME_JOB_ID = "x".repeat(128);

/** How many bytes it is on the wire. */
export function wireBytes(body: unknown): number {
  return Buffer.byteLength(JSON.stringify(body));
}

/**
 * What a job weighs in its batch: its events, or its kilobytes on the wire, whichever are more. A batch within a number of
 * these keeps to both limits of its vendor.
 */
export function weightOf(events: readonly unknown[]): number {
  return Math.max(events.length, Math.ceil(wireBytes(events) / 1000));
}
