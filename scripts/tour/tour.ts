import { setTimeout as sleep } from "node:timers/promises";

import { type Client, createClient } from "@understudy/client";
import { chargeCard } from "@understudy/jobs";
import { connectWorker } from "@understudy/queue";

import { keyHelp, listenForKeys } from "./keys.ts";
import { order, outage } from "./outage.ts";
import { type Platform, startPlatform } from "./platform.ts";
import { PRIMARY, providers, routes } from "./routes.ts";
import { type Sandbox, sandboxAt } from "./sandbox.ts";
import { createScreen, type Screen, summaryLines } from "./screen.ts";
import { createStory, type Story } from "./story.ts";
import { DECLINED, type Sent, stream } from "./stream.ts";
import { type Fate, readFates, summarize, type Summary } from "./summary.ts";
import { createTally, type Tally } from "./tally.ts";

export interface TourOptions {
  readonly mails: number;
  readonly perSecond: number;
  /** End after the summary instead of staying up. */
  readonly exit: boolean;
  /** Aborts when somebody wants the tour to end. */
  readonly quit: AbortController;
  readonly onSummary: (summary: Summary) => void;
}

interface Stage extends Platform {
  readonly sandbox: Sandbox;
  readonly client: Client;
  readonly screen: Screen;
  readonly tally: Tally;
  readonly story: Story;
}

const SETTLE_MS = 40_000;
const PLAY_PER_SECOND = 4;

/** Runs the platform, sends mail through an outage, and tells what became of it. Undefined when it was cut short. */
export async function runTour(options: TourOptions): Promise<Summary | undefined> {
  const { signal } = options.quit;
  const screen = createScreen(process.stdout);
  const tally = createTally(providers);
  const story = createStory();
  const startedAt = Date.now();
  screen.say("Understudy: starting Redis, a sandbox of providers, and two workers …", "strong");
  const platform = await startPlatform({
    onLine(worker, line) {
      const sentence = tally.take(worker, line) ?? story.take(line);
      if (sentence !== undefined && !signal.aborted) screen.say(`  ${sentence.text}`, sentence.tone);
    },
    onLost(worker, how) {
      tally.forget(worker);
      screen.say(`>>> worker ${worker} ended (${how}): another takes its place and its jobs`, "strong");
    },
  });
  const { redis, namespace } = platform;
  const client = createClient({ redis: redis.url, namespace, routes });
  const stage = { ...platform, sandbox: sandboxAt(platform.sandboxUrl), client, screen, tally, story };
  const stopListening = listenToPerson(stage, options.quit);
  try {
    introduce(stage, startedAt);
    return await Promise.race([perform(stage, options), platform.broken]);
  } finally {
    options.quit.abort();
    stopListening();
    screen.settle();
    screen.say("Draining …");
    await client.close();
    await platform.stop();
    screen.say("Stopped; nothing is left running.");
  }
}

async function perform(stage: Stage, options: TourOptions): Promise<Summary | undefined> {
  const summary = await watchStream(stage, options);
  if (summary === undefined) return undefined;
  for (const line of summaryLines(summary)) stage.screen.say(line);
  options.onSummary(summary);
  if (!options.exit) await stayUp(stage, options.quit.signal);
  return summary;
}

function introduce(
  { screen, redis, sandboxUrl, namespace, workerPids, dashboardLink }: Stage,
  startedAt: number,
): void {
  if (redis.notice !== undefined) screen.say(`  note: ${redis.notice}`);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  screen.say(`  up in ${seconds} s: Redis ${redis.url}, namespace "${namespace}"`);
  screen.say(`  Redis is ${redis.how}`);
  const { "email.send": mail, "payment.charge": charge, "analytics.track": track } = routes;
  screen.say(`  sandbox ${sandboxUrl}: ${mail.join(" -> ")}; ${charge.join(" -> ")}; ${track.join(" + ")}`);
  screen.say(`  workers ${workerPids.join(" and ")} (kill -9 one, if you like); logs in .understudy/logs`);
  screen.say("  dashboard, for the first who opens this link:");
  screen.say(`  ${dashboardLink}`, "strong");
}

/** Draws how things stand, several times a second, until it is stopped. */
function keepDrawing({ screen, tally }: Stage, total: () => number): () => void {
  const note = process.stdin.isTTY ? keyHelp : "Ctrl-C ends it";
  const draw = (): void => screen.progress(tally, total(), note);
  const drawing = setInterval(draw, process.stdout.isTTY ? 150 : 1000);
  return () => {
    clearInterval(drawing);
    draw();
    screen.settle();
  };
}

async function watchStream(stage: Stage, options: TourOptions): Promise<Summary | undefined> {
  const { sandbox, client, screen } = stage;
  const { mails: total, perSecond, quit } = options;
  const jobs: Sent[] = [];
  const watch = watcherOf(stage);
  const startedAt = Date.now();
  const plot = outage(sandbox, screen, total);
  const stopDrawing = keepDrawing(stage, () => total);
  const onSent = (sent: Sent): void => {
    jobs.push(sent);
    watch(sent);
    if (sent.queue === "email") plot(jobs.filter(({ queue }) => queue === "email").length);
  };
  let fates: readonly Fate[];
  try {
    const run = `tour-${startedAt.toString(36)}`;
    await stream({ client, signal: quit.signal, run, total, perSecond, onSent });
    fates = await fatesOnceSettled(stage, jobs, quit.signal);
  } finally {
    stopDrawing();
  }
  if (quit.signal.aborted) return undefined;
  const seconds = Math.round((Date.now() - startedAt) / 100) / 10;
  return summarize({ fates, effects: await sandbox.effects(), seconds });
}

/** Counts what is sent, and follows the charges. */
function watcherOf({ tally, story }: Stage): (sent: Sent) => void {
  let charges = 0;
  return ({ id, queue, job }) => {
    tally.expect(id, queue === "email");
    if (job !== chargeCard.name) return;
    story.follow(id, charges === DECLINED);
    charges += 1;
  };
}

/** Asks Redis, not the tally: lines of a worker that died are missing there. */
async function fatesOnceSettled(
  { redis: { url }, namespace }: Platform,
  jobs: readonly Sent[],
  signal: AbortSignal,
): Promise<readonly Fate[]> {
  const redis = connectWorker(url);
  redis.on("error", () => undefined);
  try {
    const deadline = Date.now() + SETTLE_MS;
    for (;;) {
      const fates = await readFates(redis, namespace, jobs);
      if (fates.every(({ end }) => end !== "queued") || Date.now() > deadline || signal.aborted) return fates;
      await sleep(250);
    }
  } finally {
    redis.disconnect();
  }
}

function listenToPerson({ sandbox, screen }: Stage, quit: AbortController): () => void {
  return listenForKeys(process.stdin, {
    kill: () => order(screen, `you killed ${PRIMARY}`, sandbox.break(PRIMARY, "503")),
    hang: () =>
      order(
        screen,
        `you made ${PRIMARY} take mail and never answer`,
        sandbox.break(PRIMARY, "accept-then-hang"),
      ),
    restore: () => order(screen, "you restored all providers", sandbox.mend()),
    quit: () => quit.abort(),
  });
}

/** With somebody at the keys mail goes on in a trickle, so that what they break can be seen. */
async function stayUp(stage: Stage, signal: AbortSignal): Promise<void> {
  const { screen, redis, namespace, client, tally } = stage;
  screen.say("Still running. README.md shows how to send mail of your own, with");
  screen.say(`  createClient({ redis: "${redis.url}", namespace: "${namespace}" })`);
  if (!process.stdin.isTTY) {
    screen.say("Ctrl-C ends it.");
    if (!signal.aborted)
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve, { once: true });
      });
    return;
  }
  const stopDrawing = keepDrawing(stage, () => tally.mails);
  try {
    const run = `play-${Date.now().toString(36)}`;
    await stream({
      client,
      signal,
      run,
      total: Infinity,
      perSecond: PLAY_PER_SECOND,
      onSent: watcherOf(stage),
    });
  } finally {
    stopDrawing();
  }
}
