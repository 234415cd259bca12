import { setTimeout as sleep } from "node:timers/promises";

import type { Operator, QueueView } from "@understudy/operator";

import { plain } from "../plain.ts";
import { count, many } from "../words/count.ts";
import { type Finding, findings } from "./finding.ts";

export async function checkQueues(operator: Operator, isProduction: boolean): Promise<readonly Finding[]> {
  const queues = await settledQueues(operator);
  const told = findings("queues");
  if (queues.length === 0) return [told.ok("no job was ever enqueued in this namespace")];
  return [
    ...queues.map((queue) => judgeWorkers(queue, isProduction)),
    ...queues.filter(({ isPaused }) => isPaused).map(judgePaused),
    ...judgeFailed(queues),
    ...judgeDead(queues),
  ];
}

const LOOKS = 4;
const LOOK_AGAIN_MS = 500;

/** A worker moves what failed at once, a janitor within seconds: what is still there after that, nobody moves. */
async function settledQueues(operator: Operator): Promise<readonly QueueView[]> {
  for (let looks = 1; ; looks += 1) {
    const queues = await operator.queues();
    if (looks === LOOKS || queues.every(({ failed }) => failed === 0)) return queues;
    await sleep(LOOK_AGAIN_MS);
  }
}

export function judgeWorkers(
  { name, workers, waiting, isPaused }: QueueView,
  isProduction: boolean,
): Finding {
  const told = findings("workers");
  const queue = plain(name);
  if (workers > 1 || (workers === 1 && !isProduction)) return told.ok(`${queue}: ${many(workers, "worker")}`);
  const mend = `QUEUES=${queue} npm run worker`;
  if (workers === 1) return told.warning(`${queue} has a single worker: when it dies, jobs wait.`, mend);
  return waiting > 0 && !isPaused
    ? told.problem(`${queue} has no worker, with ${many(waiting, "job")} waiting.`, mend)
    : told.warning(`${queue} has no worker.`, mend);
}

function judgePaused({ name, waiting }: QueueView): Finding {
  return findings("paused").warning(
    `${plain(name)} is paused, with ${many(waiting, "job")} waiting.`,
    `understudy queues resume ${plain(name)} --reason "…"`,
  );
}

function judgeFailed(queues: readonly QueueView[]): readonly Finding[] {
  const told = findings("janitor");
  const stuck = queues.filter(({ failed }) => failed > 0);
  if (stuck.length === 0) return [told.ok("every failed job is a dead letter")];
  const words = stuck.map(({ name, failed }) => `${count(failed)} on ${plain(name)}`).join(", ");
  return [
    told.problem(
      `Failed jobs without a dead letter: ${words}. No janitor seems to run.`,
      "npm run worker -- --role janitor",
    ),
  ];
}

function judgeDead(queues: readonly QueueView[]): readonly Finding[] {
  const told = findings("dead letters");
  const some = queues.filter(({ dead }) => dead > 0);
  if (some.length === 0) return [told.ok("none")];
  const words = some.map(({ name, dead }) => `${count(dead)} on ${plain(name)}`).join(", ");
  return [told.warning(`Dead letters wait for a person: ${words}.`, "understudy dead-letters groups")];
}

export async function checkAudit(operator: Operator): Promise<readonly Finding[]> {
  const told = findings("audit");
  const found = await operator.verifyAudit();
  return [
    found.ok
      ? told.ok(`whole, ${count(found.entries)} entries`)
      : told.problem(
          `The audit log is broken at entry ${found.firstBad}: ${plain(found.problem)}`,
          "understudy audit verify",
        ),
  ];
}
