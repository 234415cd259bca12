import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";

import { openDeadLetters } from "@understudy/dead-letters";
import { createOperator, type LetterFilter, type Operator } from "@understudy/operator";
import { providers } from "@understudy/providers";
import { connectWorker, type Family, type Redis } from "@understudy/queue";
import { Queue } from "bullmq";

import { startProgram } from "../failover/program.ts";
import { benchJobs, seedFailedJobs } from "./seed.ts";

const NAMESPACE = "bench-letters";

const filters: readonly LetterFilter[] = [
  {},
  { queue: ["email"] },
  { cause: ["rejected"] },
  { provider: ["sendgrid"], code: ["http_503", "timeout"] },
  { provider: ["stripe"], effect: ["maybe"] },
  { from: Date.now() - 24 * 3_600_000 },
];

/** How quickly very many dead letters are found, grouped and planned, and what they take, beside bare BullMQ's own list. */
export async function deadLettersBench(isSmoke: boolean): Promise<number> {
  const letters = isSmoke ? 2000 : 100_000;
  const rounds = isSmoke ? 3 : 30;
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
  const program = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
  const url = String(program.said["url"]);
  const redis = connectWorker(url);
  await using operator = createOperator({ redis: url, namespace: NAMESPACE, jobs: benchJobs, providers });
  try {
    const empty = await usedMemory(redis);
    const { families } = await seedFailedJobs(redis, NAMESPACE, letters);
    const asFailed = await usedMemory(redis);
    const sweepMs = await timed(async () => {
      for (const family of families) await openDeadLetters(redis, family).sweep();
    });
    const asLetters = await usedMemory(redis);
    const times = await measure(operator, url, families, rounds);
    const { total } = await operator.groups({});
    report({
      letters,
      sweepMs,
      times,
      memory: [(asFailed - empty) / letters, (asLetters - empty) / letters],
    });
    return total === letters ? 0 : 1;
  } finally {
    redis.disconnect();
    await program.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

type Times = Readonly<Record<"list" | "bare" | "groups" | "text" | "plan", readonly number[]>>;

/** Takes turns, so that what else the machine does falls on all alike. */
async function measure(
  operator: Operator,
  url: string,
  families: readonly Family[],
  rounds: number,
): Promise<Times> {
  const times: Record<keyof Times, number[]> = { list: [], bare: [], groups: [], text: [], plan: [] };
  const [family] = families;
  if (family === undefined) throw new TypeError("there are families");
  const bare = new Queue(family.dead, { connection: { url }, prefix: family.prefix });
  for (let round = 0; round < rounds; round += 1) {
    for (const filter of filters) {
      times.list.push(await timed(() => operator.letters(filter, { limit: 50 })));
      times.groups.push(await timed(() => operator.groups(filter)));
      times.bare.push(await timed(() => bare.getFailed(0, 49)));
    }
    times.text.push(await timed(() => operator.letters({ text: `hello@example.com` }, { limit: 50 })));
    if (round < 5) times.plan.push(await timed(() => operator.plan({ filter: {} })));
  }
  await bare.close();
  return times;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function usedMemory(redis: Redis): Promise<number> {
  const [, bytes] = /used_memory:(\d+)/u.exec(await redis.info("memory")) ?? [];
  return Number(bytes);
}

function report({
  letters,
  sweepMs,
  times,
  memory: [asFailed, asLetter],
}: {
  readonly letters: number;
  readonly sweepMs: number;
  readonly times: Times;
  readonly memory: readonly [number, number];
}): void {
  const line = (name: string, all: readonly number[]): string =>
    `| ${name} | ${at(all, 0.5)} | ${at(all, 0.95)} | ${all.length} |`;
  console.log(`dead-letters: ${letters} letters in 10 groups; ${cpus().length} × ${cpus()[0]?.model ?? "?"}
| | median ms | p95 ms | runs |
| --- | ---: | ---: | ---: |
${line("a page of 50, six filters", times.list)}
${line("bare BullMQ: getFailed, 50, no filter", times.bare)}
${line("groups, six filters", times.groups)}
${line("a page of 50 by text", times.text)}
${line("plan over all", times.plan)}

moved in ${(sweepMs / 1000).toFixed(1)} s (${Math.round(letters / (sweepMs / 1000))} a second); a failed job ${Math.round(asFailed)} bytes of Redis, as a dead letter with its index ${Math.round(asLetter)}`);
}

function at(numbers: readonly number[], share: number): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
}
