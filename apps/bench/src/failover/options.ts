import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

export const systemNames = ["ours", "naive", "symfony"] as const;
export type SystemName = (typeof systemNames)[number];

export interface Options {
  /** So many charges, and so many mails. */
  readonly jobs: number;
  /** Chooses the faults, the kills and their moments. */
  readonly seed: number;
  readonly systems: readonly SystemName[];
  /** Where the figures go as JSON. */
  readonly json: string | undefined;
  /** Where the chart goes. */
  readonly svg: string | undefined;
}

export const usage = `npm run failover-bench                       10,000 charges and 10,000 mails through each of three systems
npm run failover-bench -- --jobs N           so many of each
npm run failover-bench -- --seed S           the faults and kills of an earlier run
npm run failover-bench -- --only ours        ours, naive or symfony alone; several with commas
npm run failover-bench -- --json FILE        write the figures
npm run failover-bench -- --svg FILE         write the chart`;

/** @throws Error that says which word is wrong */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      jobs: { type: "string", default: "10000" },
      seed: { type: "string" },
      only: { type: "string", default: systemNames.join(",") },
      json: { type: "string" },
      svg: { type: "string" },
    },
  });
  return {
    jobs: wholeNumber("--jobs", values.jobs, 10, 1_000_000),
    seed: values.seed === undefined ? randomInt(2 ** 31) : wholeNumber("--seed", values.seed, 0, 2 ** 31),
    systems: values.only.split(",").map(systemNamed),
    json: values.json,
    svg: values.svg,
  };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${name} must be a whole number from ${min} to ${max}.`);
}

function systemNamed(name: string): SystemName {
  const found = systemNames.find((one) => one === name);
  if (found === undefined) throw new Error(`--only names ${systemNames.join(", ")}, and not "${name}".`);
  return found;
}
