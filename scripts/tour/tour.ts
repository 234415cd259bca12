import { setTimeout as sleep } from "node:timers/promises";

import { createClient } from "@understudy/client";

import { keyHelp, listenForKeys } from "./keys.ts";
import { type Platform, ROUTE, startPlatform } from "./platform.ts";
import { type Sandbox, sandboxAt } from "./sandbox.ts";
import { createScreen, type Screen, summaryLines } from "./screen.ts";
import { type Sent, stream } from "./stream.ts";
import { summarize, type Summary } from "./summary.ts";
import { createTally, type Tally } from "./tally.ts";

export interface TourOptions {
  readonly mails: number;
  readonly perSecond: number;
  /** End after the summary instead of staying up. */
  readonly exit: boolean;
  /** Aborts when somebody wants the tour to end. */
  readonly quit: AbortController;
}

const PRIMARY = ROUTE[0];
const SETTLE_MS = 40_000;

/** Runs the platform, sends mail through an outage, and tells what became of it. Undefined when it was cut short. */
export async function runTour(options: TourOptions): Promise<Summary | undefined> {
  const screen = createScreen(process.stdout);
  const tally = createTally(ROUTE);
  const startedAt = Date.now();
  screen.say("Understudy: starting Redis, a sandbox of providers, and two workers …");
  const platform = await startPlatform((worker, line) => {
    const sentence = tally.take(worker, line);
    if (sentence !== undefined && !options.quit.signal.aborted) screen.say(`  ${sentence}`);
  });
  const stopListening = listenToPerson(sandboxAt(platform.sandboxUrl), screen, options.quit);
  try {
    introduce(screen, platform, startedAt);
    const ending = AbortSignal.any([options.quit.signal]);
    const summary = await Promise.race([watchStream(platform, screen, tally, options), platform.broken]);
    if (summary === undefined) return undefined;
    for (const line of summaryLines(summary)) screen.say(line);
    if (!options.exit && !ending.aborted)
      await Promise.race([stayUp(screen, platform, ending), platform.broken]);
    return summary;
  } finally {
    stopListening();
    screen.settle();
    screen.say("Draining …");
    await platform.stop();
    screen.say("Stopped; nothing is left running.");
  }
}

function introduce(screen: Screen, { redis, sandboxUrl, namespace }: Platform, startedAt: number): void {
  if (redis.notice !== undefined) screen.say(`  note: ${redis.notice}`);
  screen.say(
    `  up in ${((Date.now() - startedAt) / 1000).toFixed(1)} s: Redis ${redis.url} (${redis.how}), namespace "${namespace}"`,
  );
  screen.say(`  sandbox ${sandboxUrl}: ${ROUTE.join(" -> ")}; logs in .understudy/logs`);
  if (process.stdin.isTTY) screen.say(`  ${keyHelp}`);
}

async function watchStream(
  platform: Platform,
  screen: Screen,
  tally: Tally,
  options: TourOptions,
): Promise<Summary | undefined> {
  const { signal } = options.quit;
  const sandbox = sandboxAt(platform.sandboxUrl);
  const client = createClient({ redis: platform.redis.url, namespace: platform.namespace });
  const sent: Sent[] = [];
  const startedAt = Date.now();
  const plot = outage(sandbox, screen, options.mails);
  const note = process.stdin.isTTY ? keyHelp : "";
  const drawing = setInterval(
    () => screen.progress(tally, options.mails, note),
    process.stdout.isTTY ? 150 : 1000,
  );
  try {
    await stream({
      client,
      signal,
      run: `tour-${startedAt.toString(36)}`,
      total: options.mails,
      perSecond: options.perSecond,
      onSent(mail) {
        sent.push(mail);
        tally.sent();
        plot(sent.length);
      },
    });
    const deadline = Date.now() + SETTLE_MS;
    while (tally.delivered + tally.dead < sent.length && Date.now() < deadline && !signal.aborted)
      await sleep(100);
    if (signal.aborted) return undefined;
    screen.progress(tally, options.mails, note);
    screen.settle();
    const seconds = Math.round((Date.now() - startedAt) / 100) / 10;
    const { redis, namespace } = platform;
    return await summarize({
      redisUrl: redis.url,
      namespace,
      route: ROUTE,
      sent,
      effects: await sandbox.effects(),
      seconds,
    });
  } finally {
    clearInterval(drawing);
    await client.close();
  }
}

/** The plot: a third of the way in the primary answers 503, later it takes mail and never answers, then it recovers. */
function outage(sandbox: Sandbox, screen: Screen, total: number): (sent: number) => void {
  const acts = [
    {
      at: Math.floor(total / 3),
      what: `>>> ${PRIMARY} now answers 503 to everything`,
      act: () => sandbox.break(PRIMARY, "503"),
    },
    {
      at: Math.floor(total / 2),
      what: `>>> ${PRIMARY} now takes mail and never answers`,
      act: () => sandbox.break(PRIMARY, "accept-then-hang"),
    },
    { at: Math.floor((total * 2) / 3), what: `>>> ${PRIMARY} has recovered`, act: () => sandbox.mend() },
  ];
  return (sent) => {
    for (const { what, act } of acts.filter(({ at }) => at === sent)) {
      screen.say(what);
      act().catch((error: unknown) => screen.say(`the sandbox did not obey: ${String(error)}`));
    }
  };
}

function listenToPerson(sandbox: Sandbox, screen: Screen, quit: AbortController): () => void {
  const tell = (what: string, act: Promise<void>): void => {
    act.then(
      () => screen.say(`>>> ${what}`),
      (error: unknown) => screen.say(`the sandbox did not obey: ${String(error)}`),
    );
  };
  return listenForKeys(process.stdin, {
    kill: () => tell(`you killed ${PRIMARY}`, sandbox.break(PRIMARY, "503")),
    hang: () =>
      tell(`you made ${PRIMARY} take mail and never answer`, sandbox.break(PRIMARY, "accept-then-hang")),
    restore: () => tell("you restored all providers", sandbox.mend()),
    quit: () => quit.abort(),
  });
}

async function stayUp(screen: Screen, { redis, namespace }: Platform, signal: AbortSignal): Promise<void> {
  screen.say(
    `Still running. Send your own: createClient({ redis: "${redis.url}", namespace: "${namespace}" }), see README.md. Ctrl-C ends it.`,
  );
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener("abort", resolve, { once: true });
  });
}
