import { expect, inject, test } from "vitest";

import { countStarts, figuresOf } from "./figures.ts";
import { form, TEST_MS } from "./form.ts";
import { enqueueAll, mailsOf } from "./mails.ts";
import { openStage } from "./stage.ts";

const total = form({ short: 500, long: 20_000 });

test(
  "two workers share a queue and do nothing twice",
  async () => {
    const stage = await openStage({ redisUrl: inject("redisUrl"), route: ["sendgrid"] });
    const mails = mailsOf(total);
    await Promise.all([stage.startWorker(), stage.startWorker(), enqueueAll(stage.client, total)]);

    const figures = await figuresOf(stage, mails);
    console.log("sharing", figures);
    expect(figures).toEqual({
      delivered: total,
      deadLettered: 0,
      lost: 0,
      stillQueued: 0,
      duplicates: 0,
      unlabelledDuplicates: 0,
      arrivals: { "1": total },
    });
    expect(await countStarts(stage, mails)).toBe(total);
  },
  TEST_MS,
);
