import { openEnvelope } from "@understudy/core";
import { locate } from "@understudy/queue";
import { expect, inject, test } from "vitest";

import type { Sent } from "../tour/stream.ts";
import { createChance } from "./chance.ts";
import { countEnded, countIn, figuresOf } from "./figures.ts";
import { form, SETTLE_MS, TEST_MS } from "./form.ts";
import { enqueueAll, mailsOf } from "./mails.ts";
import { openStage, type Stage } from "./stage.ts";
import { until } from "./until.ts";

const { total, drains } = form({ short: { total: 500, drains: 4 }, long: { total: 5000, drains: 40 } });

/** Ids of unfinished jobs that have spent an attempt, each of which must be one that was cut after sending. */
async function spent({ redis, family }: Stage, mails: readonly Sent[]): Promise<readonly string[]> {
  const jobs = await Promise.all(mails.map(async ({ id }) => ({ id, ...(await locate(redis, family, id)) })));
  return jobs.flatMap(({ id, place, data = "null" }) => {
    const opened = openEnvelope(JSON.parse(data));
    if (place === "completed" || opened.at !== "open" || opened.envelope.attempt === 0) return [];
    const { attempt, trail } = opened.envelope;
    const interrupted = expect.objectContaining({ kind: "ambiguous", code: "interrupted" }) as unknown;
    expect(trail).toEqual(Array.from({ length: attempt }, () => interrupted));
    return [id];
  });
}

test(
  "SIGTERM under load loses nothing, and spends no attempt of a job whose request had not left",
  async () => {
    const chance = createChance();
    const stage = await openStage({
      redisUrl: inject("redisUrl"),
      route: ["sendgrid"],
      env: { DRAIN_DEADLINE_MS: "100" },
    });
    const mails = mailsOf(total);
    await enqueueAll(stage.client, total);
    const cut = new Set<string>();
    for (let n = 0; n < drains; n += 1) {
      // In turns calls that are cut, and calls so short that the signal meets a worker that is just fetching.
      await stage.sandbox.fail("sendgrid", { mode: "latency", latencyMs: n % 2 === 0 ? 300 : 5 });
      const worker = await stage.startWorker();
      const before = await countEnded(stage);
      const more = chance.between(0, 30);
      await until("the worker is at work", async () => (await countIn(stage, "active")) > 0, SETTLE_MS);
      await until("mails are sent", async () => (await countEnded(stage)) >= before + more, SETTLE_MS);
      expect(await worker.drain()).toBe(0);
      expect(await countIn(stage, "active"), "given back").toBe(0);
      const ids = await spent(stage, mails);
      for (const id of ids) cut.add(id);
      await until(
        "what spent an attempt has arrived",
        async () => {
          const arrived = new Set((await stage.sandbox.effects()).map(({ jobId }) => jobId));
          return ids.every((id) => arrived.has(id));
        },
        5000,
      );
    }
    await stage.sandbox.mend();
    await stage.startWorker();

    const figures = await figuresOf(stage, mails);
    console.log("drain", { seed: chance.seed, drains, cut: cut.size }, figures);
    expect(figures).toMatchObject({ lost: 0, stillQueued: 0, unlabelledDuplicates: 0 });
    // What was cut twice may exist twice: a third copy is not allowed.
    expect(figures.delivered + figures.deadLettered).toBe(total);
    expect(figures.deadLettered).toBeLessThanOrEqual(cut.size);
  },
  TEST_MS,
);
