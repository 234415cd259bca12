import { expect, test } from "vitest";

import { createChance } from "./chance.ts";
import { countEnded, figuresOf } from "./figures.ts";
import { form, SETTLE_MS, TEST_MS } from "./form.ts";
import { startKillableRedis } from "./killable-redis.ts";
import { enqueueAll, mailsOf } from "./mails.ts";
import { openStage, quickLocks } from "./stage.ts";
import { until } from "./until.ts";

const { total, kills } = form({ short: { total: 300, kills: 2 }, long: { total: 3000, kills: 20 } });

/** How many mails the producer is ahead of the workers and of the next kill, so that it is still at work whenever Redis dies. */
const AHEAD = 60;

test(
  "Redis killed and restarted on its append-only file loses nothing, and its producers nothing either",
  async ({ skip }) => {
    const chance = createChance();
    const server = await startKillableRedis();
    if (server === undefined) return skip("no Redis here whose process could be killed");
    const stage = await openStage({
      redisUrl: server.url,
      route: ["sendgrid", "mailgun"],
      env: quickLocks,
      enqueueMs: 250,
    });
    const mails = mailsOf(total);
    await stage.sandbox.fail("sendgrid", { mode: "latency", latencyMs: 100 });
    await Promise.all([stage.startWorker(), stage.startWorker()]);

    let refusals = 0;
    let isDown = false;
    /** Redis dies when so many mails are done with. */
    let moment = 0;
    const mayGoOn = async (sent: number): Promise<boolean> =>
      isDown || (sent <= moment + AHEAD && (await hasCaughtUp(sent)));
    const hasCaughtUp = async (sent: number): Promise<boolean> => {
      // The sandbox knows how far the workers are, Redis or no Redis.
      const accepted = Object.values(await stage.sandbox.accepted());
      return accepted.reduce((a, b) => a + b, 0) > sent - AHEAD;
    };
    const enqueued = enqueueAll(stage.client, total, {
      before: async (sent) => {
        await until("the workers catch up", () => mayGoOn(sent), SETTLE_MS);
      },
      refused: () => {
        refusals += 1;
      },
    });
    for (let n = 0; n < kills; n += 1) {
      moment = Math.floor(((total - AHEAD) * (n + chance.between(1, 99) / 100)) / (kills + 1));
      await until(
        `${moment} mails are done with`,
        async () => (await countEnded(stage)) >= moment,
        SETTLE_MS,
      );
      await server.kill(stage.redis);
      isDown = true;
      const before = refusals;
      await until("a producer was refused", () => refusals > before, SETTLE_MS);
      await server.restart();
      isDown = false;
    }
    moment = total;
    await enqueued;

    const figures = await figuresOf(stage, mails);
    console.log("lost Redis", { seed: chance.seed, kills, refusals }, figures);
    expect(figures).toMatchObject({ delivered: total, lost: 0, stillQueued: 0, unlabelledDuplicates: 0 });
  },
  TEST_MS,
);
