import { Unpackr } from "msgpackr";

/** What BullMQ's script answered; an Error when it failed, which concerns this call alone. */
export type Answer = unknown;

/** Begins the answer to a call that failed; nothing that BullMQ answers begins like this. */
export const FAILED = "!";

// BullMQ's numbers are times and counts, all of them safe integers.
const unpackr = new Unpackr({ int64AsType: "number", useRecords: false });

/** Of a script's answer, which is one text: to read so many small parts takes longer than all else that is done with it. */
export function answersIn(packed: Buffer): readonly Answer[] {
  return (unpackr.unpack(packed) as readonly unknown[]).map(read);
}

function read(answer: unknown): Answer {
  if (!Array.isArray(answer)) return asOfRedis(answer);
  if (answer[0] === FAILED) return new Error(String(answer[1]));
  return answer.map(asOfRedis);
}

/** As Redis itself answers: without fractions, and with null for what Lua calls false. */
function asOfRedis(value: unknown): unknown {
  if (typeof value === "number") return Math.trunc(value);
  return value === false ? null : value;
}
