import { cpus, totalmem } from "node:os";

import type { Comparison } from "./compare.ts";
import { boundOf } from "./demands.ts";
import { median } from "./median.ts";
import type { Stage } from "./stage.ts";
import type { Demand, Result, Row, Sample } from "./types.ts";
import { AT_WORK } from "./warm.ts";

export const header = `| | ours | bare BullMQ | unit | ratio | required | ratios of the rounds | disturbed | client µs/job, ours / bare | Redis µs/job, ours / bare |
| --- | ---: | ---: | --- | ---: | --- | --- | --- | ---: | ---: |`;

export function lineOf(
  result: Result,
  { requires, beside }: Pick<Row, "requires" | "beside"> = {},
  { samples, disturbed }: Comparison,
): string {
  const ratios = result.rounds.map(({ ratio }) => ratio.toFixed(2)).join(", ");
  const cpu = (of: "clientUs" | "redisUs"): string =>
    (["ours", "bullmq"] as const).map((system) => micros(samples[system], of)).join(" / ");
  const cells = [
    beside === undefined ? result.name : `${result.name}, beside ${beside}`,
    brief(result.ours),
    brief(result.bullmq),
    result.unit,
    result.ratioToBullmq.toFixed(2),
    demanded(requires),
    ratios,
    disturbed === 0 ? "" : `${disturbed} of ${2 * result.rounds.length}`,
    cpu("clientUs"),
    cpu("redisUs"),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** What each round measured, since a median alone hides how far they lie apart. */
export function rawLineOf({ name, rounds }: Result): string {
  const raw = (system: "ours" | "bullmq"): string => rounds.map((round) => brief(round[system])).join(", ");
  return `* ${name}: ours ${raw("ours")}; bare ${raw("bullmq")}`;
}

export async function machine({ redis, isPinned, isSmoke }: Stage): Promise<string> {
  const [, version = "?"] = /redis_version:(\S+)/u.exec(await redis.info("server")) ?? [];
  const where = isPinned
    ? "Redis on core 1, clients on core 0"
    : "nothing pinned (the short form, no taskset, or one core): Redis and clients may share a core, which makes figures noisy";
  return `${cpus().length} × ${cpus()[0]?.model.trim() ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB; Node ${process.versions.node}, Redis ${version}, append-only file synced every second; ${where}.
Each sample in a fresh process, which does ${AT_WORK.toLocaleString("en")} jobs before it is measured (half as many where it calls a provider; with a backlog, a quarter of what is measured). Payload 325 bytes. Disturbed: samples in which other programs used more than a quarter of a core, at the third try too. Bare BullMQ: default options, and completed jobs kept for as long as ours, by age, which is the cheapest way.${isSmoke ? "\nThe short form: counts are held, and the figures say nothing." : ""}`;
}

function micros(samples: readonly Sample[], of: "clientUs" | "redisUs"): string {
  const known = samples.flatMap((sample) => sample[of] ?? []);
  return known.length === 0 ? "–" : median(known).toFixed(1);
}

function demanded(demand: Demand | undefined): string {
  if (demand === undefined) return "";
  return demand.of === "ratio" ? boundOf(demand) : `ours ${boundOf(demand)}`;
}

function brief(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(2);
}
