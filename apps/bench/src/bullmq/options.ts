import { parseArgs } from "node:util";

/** How the comparison with bare BullMQ is run. */
export interface BullmqOptions {
  /** One round of a few hundred jobs each: holds counts, and no ratio. */
  readonly isSmoke: boolean;
  readonly rounds: number;
  /** Where the results go as JSON. */
  readonly json: string | undefined;
  /** A folder for the charts. */
  readonly charts: string | undefined;
  /** Other queues as well, where they can be installed. */
  readonly peers: boolean;
}

const ROUNDS = 5;

/** @throws Error that says which word is wrong */
export function readOptions(words: readonly string[]): {
  readonly names: readonly string[];
  readonly options: BullmqOptions;
} {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      smoke: { type: "boolean", default: false },
      rounds: { type: "string" },
      json: { type: "string" },
      charts: { type: "string" },
      peers: { type: "boolean", default: false },
    },
  });
  const { smoke, rounds = smoke ? "1" : String(ROUNDS), json, charts, peers } = values;
  if (!/^[1-9]\d{0,2}$/u.test(rounds)) throw new Error("--rounds must be a whole number from 1 to 999.");
  return { names: positionals, options: { isSmoke: smoke, rounds: Number(rounds), json, charts, peers } };
}
