import { allowedBy, type Envelope, hiding, openEnvelope, type Trail } from "@understudy/core";
import {
  aheadOf,
  countQueue,
  dueAtOf,
  type Family,
  isHeld,
  locate,
  type Located,
  type Redis,
} from "@understudy/queue";

import { type Context, familiesOf, knowledgeOf, workersOf } from "./context.ts";
import { findLetter } from "./find-letter.ts";
import { secretsIn, viewOf, withoutReceipts } from "./letter-view.ts";
import { answerOf, counted, lastWords, span } from "./sentences.ts";
import type { Explanation, Fate, LetterView } from "./views.ts";

interface Surroundings {
  readonly redis: Redis;
  readonly family: Family;
  readonly jobs: Context["jobs"];
  /** Live workers that serve the family's queue. */
  readonly workers: number;
  readonly now: number;
}

const states = {
  waiting: "waiting",
  delayed: "snoozing",
  active: "active",
  completed: "completed",
} as const;

const ABSENT =
  "No job has this id: it was never enqueued here, its dead letter was discarded, or it completed so long ago that it is forgotten.";

/** Why a job is where it is, wherever that is. */
export async function explain(context: Context, id: string): Promise<Explanation> {
  const [families, workers, know] = await Promise.all([
    familiesOf(context),
    workersOf(context),
    knowledgeOf(context),
  ]);
  const { namespace, now } = context;
  return await context.ask(async (redis) => {
    const job = await findJob(redis, families, id);
    if (job === undefined) return absent(id);
    const { family, located } = job;
    const { place } = located;
    if (place === "dead" || place === "failed") {
      const letter = await findLetter(redis, namespace, id);
      return letter === undefined ? absent(id) : explainDead(await viewOf(redis, letter, know, now()));
    }
    if (place === "absent") return absent(id);
    const serving = workers.filter(({ queues }) => queues.includes(family.name)).length;
    return await explainLiving(
      id,
      { ...located, place },
      { redis, family, jobs: context.jobs, workers: serving, now: now() },
    );
  });
}

function explainDead({ id, queue, job, sentence, trail, past, prospect }: LetterView): Explanation {
  return {
    id,
    state: "dead",
    queue,
    job,
    sentence,
    advice: [prospect.sentence, adviceFor(id, prospect.fate)],
    trail,
    past,
  };
}

function adviceFor(id: string, fate: Fate): string {
  switch (fate) {
    case "safe":
    case "possible_duplicate":
      return `\`understudy dead-letters redrive ${id}\``;
    case "needs_look_up":
      return `\`understudy dead-letters look-up ${id}\``;
    case "needs_release":
      return `\`understudy dead-letters release ${id}\``;
    case "invalid":
      return `\`understudy dead-letters edit ${id}\``;
    default:
      return `\`understudy dead-letters show ${id}\``;
  }
}

function absent(id: string): Explanation {
  return { id, state: "absent", sentence: ABSENT, advice: [], trail: [], past: [] };
}

/** Why a job that is not dead is where it is. */
async function explainLiving(
  id: string,
  located: Located & { readonly place: keyof typeof states },
  around: Surroundings,
): Promise<Explanation> {
  const stored = envelopeIn(located.data);
  const secrets = stored === undefined ? [] : secretsIn(stored.payload, located.name ?? "", around);
  const envelope = stored && hiding(stored, secrets);
  const common = {
    id,
    state: states[located.place],
    queue: around.family.name,
    job: located.name ?? "",
    trail: withoutReceipts(envelope?.trail ?? []),
    past: envelope?.past ?? [],
  };
  switch (located.place) {
    case "waiting":
      return { ...common, ...(await whyItWaits(id, around)) };
    case "delayed":
      return { ...common, ...(await whyItSnoozes(id, envelope, around)) };
    case "active":
      return { ...common, ...(await whyItIsActive(id, around)) };
    case "completed":
      return { ...common, sentence: howItCompleted(envelope), advice: [] };
  }
}

type Why = Pick<Explanation, "sentence" | "advice" | "dueAt">;

async function whyItWaits(id: string, { redis, family, workers }: Surroundings): Promise<Why> {
  const { name } = family;
  const [{ isPaused, active }, ahead] = await Promise.all([
    countQueue(redis, family),
    aheadOf(redis, family, id),
  ]);
  if (isPaused)
    return {
      sentence: `It waits because the queue ${name} is paused.`,
      advice: [`\`understudy queues resume ${name}\``],
    };
  if (workers === 0)
    return {
      sentence: `It waits because no live worker serves the queue ${name}.`,
      advice: [`\`npm run worker\`, with QUEUES unset or naming ${name}`],
    };
  const before = ahead === undefined ? "others" : ahead === 0 ? "none" : counted(ahead, "job");
  return {
    sentence: `It waits for its turn on ${name}: ${before} before it, ${active} being run by ${counted(workers, "worker")}. Workers fetch nothing while no provider of the queue may be asked.`,
    advice: ["`understudy providers ls`"],
  };
}

async function whyItSnoozes(id: string, envelope: Envelope | undefined, around: Surroundings): Promise<Why> {
  const { redis, family } = around;
  const [dueAt, { isPaused }] = await Promise.all([dueAtOf(redis, family, id), countQueue(redis, family)]);
  const now =
    around.workers === 0 ? `It is due, and no live worker serves ${family.name}` : "It is about to run";
  const until = dueAt === undefined ? now : dueIn(dueAt, around);
  const due = dueAt === undefined ? {} : { dueAt };
  const paused = isPaused ? ` The queue ${family.name} is paused.` : "";
  const advice = isPaused ? [`\`understudy queues resume ${family.name}\``] : [];
  return { sentence: `${until}: ${whyLater(envelope)}.${paused}`, advice, ...due };
}

function dueIn(dueAt: number, { now, workers, family }: Surroundings): string {
  if (dueAt > now) return `It waits until ${new Date(dueAt).toISOString()} (in ${span(dueAt - now)})`;
  const nobody = workers === 0 ? `, and no live worker serves ${family.name}` : "";
  return `It has been due for ${span(now - dueAt)}${nobody}`;
}

function whyLater(envelope: Envelope | undefined): string {
  if (envelope === undefined) return "its data cannot be read here";
  if (envelope.lookUp !== undefined) return "a worker is to look up what became of it, and do nothing else";
  const { trail, attempt, past } = envelope;
  const redriven = past?.findLast(({ did }) => did === "redriven");
  if (
    redriven !== undefined &&
    redriven.at === envelope.lifeStartedAt &&
    attempt === 0 &&
    trail.every(({ at }) => at < redriven.at)
  )
    return `${redriven.by} has redriven it`;
  if (trail.length === 0)
    return envelope.enqueuedAt < envelope.lifeStartedAt
      ? "it was enqueued for then"
      : "it waits for another job, or for a worker that knows it";
  const only = allowedBy(envelope);
  const among = only === undefined ? "" : `; only ${only.join(", ")} may serve it`;
  return `${lastWords(trail)}; ${counted(attempt, "attempt")} spent${among}`;
}

async function whyItIsActive(id: string, { redis, family }: Surroundings): Promise<Why> {
  return (await isHeld(redis, family, id))
    ? { sentence: "A worker is running it now.", advice: [] }
    : {
        sentence: "Its worker was lost: the next check for stalled jobs takes it up again.",
        advice: ["`understudy doctor`, if it stays so for a minute"],
      };
}

function howItCompleted(envelope: Envelope | undefined): string {
  const delivered: Trail[number] | undefined = envelope?.trail.findLast(({ kind }) => kind === "delivered");
  if (delivered === undefined) return "It completed.";
  const failed = lastWords(envelope?.trail ?? []);
  const before = failed === "" ? "" : `, after ${failed}`;
  return `${answerOf(delivered)} at ${new Date(delivered.at).toISOString()}, in ${delivered.durationMs} ms${before}.`;
}

function envelopeIn(data: string | undefined): Envelope | undefined {
  try {
    const opened = openEnvelope(JSON.parse(data ?? "null"));
    return opened.at === "open" ? opened.envelope : undefined;
  } catch {
    return undefined;
  }
}

/** The family that has the job, wherever it is. */
async function findJob(
  redis: Redis,
  families: readonly Family[],
  id: string,
): Promise<{ readonly family: Family; readonly located: Located } | undefined> {
  for (const family of families) {
    const located = await locate(redis, family, id);
    if (located.place !== "absent") return { family, located };
  }
  return undefined;
}
