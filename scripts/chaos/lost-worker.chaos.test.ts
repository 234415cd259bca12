import { expect, inject, test } from "vitest";

import { createChance } from "./chance.ts";
import { countEnded, figuresOf } from "./figures.ts";
import { form, SETTLE_MS, TEST_MS } from "./form.ts";
import { enqueueAll, mailsOf } from "./mails.ts";
import { openStage, quickLocks } from "./stage.ts";
import { until } from "./until.ts";

const { total, kills } = form({ short: { total: 300, kills: 3 }, long: { total: 2000, kills: 25 } });

const faults = [{ mode: "accept-then-hang" }, { mode: "503", latencyMs: 250 }] as const;

test(
  "workers killed in the middle of an outage lose nothing, and every mail that arrives twice is labelled",
  async () => {
    const chance = createChance();
    const stage = await openStage({
      redisUrl: inject("redisUrl"),
      route: ["sendgrid", "mailgun"],
      env: { ...quickLocks, CALL_TIMEOUT_MS: "400" },
    });
    const mails = mailsOf(total);
    await stage.sandbox.fail("sendgrid", faults[0]);
    const workers = await Promise.all([stage.startWorker(), stage.startWorker()]);
    await enqueueAll(stage.client, total);

    for (let n = 0; n < kills; n += 1) {
      const moment = Math.floor((total * (n + chance.between(1, 99) / 100)) / (kills + 1));
      await until(
        `${moment} mails are done with`,
        async () => (await countEnded(stage)) >= moment,
        SETTLE_MS,
      );
      const victim = chance.between(0, 1);
      await workers[victim]?.kill();
      await stage.sandbox.fail("sendgrid", faults[(n + 1) % 2] ?? faults[0]);
      workers[victim] = await stage.startWorker();
    }
    await stage.sandbox.mend();

    const figures = await figuresOf(stage, mails);
    console.log("lost worker", { seed: chance.seed, kills }, figures);
    expect(figures).toMatchObject({ lost: 0, stillQueued: 0, unlabelledDuplicates: 0 });
    expect(figures.delivered + figures.deadLettered).toBe(total);
    // Two is what an unknown fate may cost, whoever dies when.
    expect(Math.max(...Object.keys(figures.arrivals).map(Number))).toBe(2);
  },
  TEST_MS,
);
