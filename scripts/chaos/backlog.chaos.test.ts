import { expect, inject, test } from "vitest";

import { countStarts, figuresOf } from "./figures.ts";
import { form, SETTLE_MS, TEST_MS } from "./form.ts";
import { enqueueAll, mailsOf } from "./mails.ts";
import { openStage } from "./stage.ts";
import { until } from "./until.ts";

const { total, perSecond } = form({
  short: { total: 1000, perSecond: 200 },
  long: { total: 20_000, perSecond: 100 },
});

/**
 * Lets two workers work off a backlog.
 * @param outageMs how long the provider is down, from when they have noticed
 * @returns how many starts each delivery took
 */
async function startsPerDelivery(
  what: string,
  env: Readonly<Record<string, string>>,
  outageMs = 0,
): Promise<number> {
  const stage = await openStage({ redisUrl: inject("redisUrl"), route: ["sendgrid"], env });
  const mails = mailsOf(total);
  await enqueueAll(stage.client, total);
  if (outageMs > 0) await stage.sandbox.fail("sendgrid", { mode: "refuse" });
  await Promise.all([stage.startWorker(), stage.startWorker()]);
  if (outageMs > 0) {
    await until("the outage is felt", async () => (await countStarts(stage, mails)) > 0, SETTLE_MS);
    await stage.sandbox.fail("sendgrid", { mode: "refuse", durationMs: outageMs });
  }

  const figures = await figuresOf(stage, mails);
  const starts = await countStarts(stage, mails);
  console.log(what, { starts }, figures);
  expect(figures).toMatchObject({ delivered: total, lost: 0, stillQueued: 0, duplicates: 0 });
  return starts / total;
}

test(
  "a backlog behind a limit costs less than two starts for each delivery",
  async () => {
    const env = { LIMIT_SENDGRID_PER_SECOND: String(perSecond) };
    expect(await startsPerDelivery("limited", env)).toBeLessThan(2);
  },
  TEST_MS,
);

test(
  "a backlog behind an open circuit costs less than two starts for each delivery",
  async () => {
    const env = {
      CIRCUIT_MIN_CALLS: "5",
      CIRCUIT_OPEN_MS: "300",
      CIRCUIT_MAX_OPEN_MS: "1200",
      CIRCUIT_PROBE_EVERY_MS: "300",
      CIRCUIT_RAMP_MS: "50",
    };
    const starts = await startsPerDelivery("open circuit", env, 2000);
    expect(starts).toBeGreaterThan(1);
    expect(starts).toBeLessThan(2);
  },
  TEST_MS,
);
