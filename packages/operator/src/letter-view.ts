import {
  hidingInPast,
  hidingInTrail,
  openEnvelope,
  redact,
  sensitiveTexts,
  type Trail,
  without,
} from "@understudy/core";
import {
  type Found,
  type Facets,
  groupOf,
  payloadOf,
  readFacets,
  type ReadLetter,
} from "@understudy/dead-letters";
import { readJobLog, type Redis, versionOf } from "@understudy/queue";

import { type Knowledge, prospectOf } from "./prospect.ts";
import { sentenceOf } from "./sentences.ts";
import type { LetterSummary, LetterView } from "./views.ts";

/** A line of the list. @param found of a letter that cannot be read, what its place in the index says */
export function summaryOf({ entry, stored }: Found, know: Knowledge): LetterSummary {
  if (stored === undefined) return unreadable(entry);
  const { letter, job } = stored;
  const opened = openEnvelope(stored.payload);
  const envelope = opened.at === "open" ? opened.envelope : undefined;
  const index = groupOf(letter, envelope?.trail ?? []);
  const facets: Facets = readFacets(index.facets);
  return {
    ...facets,
    id: entry.id,
    version: versionOf(job),
    queue: entry.family.name,
    group: job.group === "" ? index.group : job.group,
    reason: without(letter.reason, secretsOf(stored, know)),
    attempts: letter.attempts,
    ...(letter.enqueuedAt === undefined ? {} : { enqueuedAt: letter.enqueuedAt }),
    diedAt: letter.diedAt,
    redrives: envelope?.redrives ?? 0,
    isMoney: isMoney(letter.job, know),
  };
}

/** What an unknown job does must not happen twice, as far as we know. */
export function isMoney(job: string, { jobs }: Pick<Knowledge, "jobs">): boolean {
  const known = jobs.get(job);
  return known === undefined || known.capability.duplicates === "forbidden";
}

export async function viewOf(redis: Redis, found: Found, know: Knowledge, now: number): Promise<LetterView> {
  const { entry, stored } = found;
  const { log, stacktrace } = await readJobLog(redis, entry.family, "dead", entry.id);
  const prospect = prospectOf(stored, know, { now });
  const summary = summaryOf(found, know);
  if (stored === undefined)
    return {
      ...summary,
      sentence: "Its data is damaged.",
      trail: [],
      payload: undefined,
      hidden: [],
      past: [],
      log: [],
      stacktrace: [],
      prospect,
    };
  const { payload, envelope } = payloadOf(stored);
  const hidden = know.jobs.get(stored.letter.job)?.sensitive ?? [];
  const secrets = secretsOf(stored, know);
  const calls = (envelope?.trail ?? []).filter(({ provesNone }) => provesNone !== true);
  const [first] = calls;
  const last = calls.at(-1);
  return {
    ...summary,
    sentence: without(sentenceOf(stored.letter, envelope), secrets),
    trail: withoutReceipts(hidingInTrail(envelope?.trail ?? [], secrets)),
    ...(first === undefined ? {} : { firstCallAt: first.at }),
    ...(last === undefined ? {} : { lastCallAt: last.lastAt ?? last.at }),
    payload: know.jobs.has(stored.letter.job) ? redact(payload, hidden) : undefined,
    hidden,
    ...(envelope === undefined
      ? { past: [] }
      : {
          ...(envelope.idempotencyKey === undefined ? {} : { idempotencyKey: envelope.idempotencyKey }),
          generation: envelope.generation,
          past: hidingInPast(envelope.past ?? [], secrets),
          ...(envelope.bound === undefined ? {} : { bound: envelope.bound }),
          ...(envelope.providers === undefined ? {} : { providers: envelope.providers }),
        }),
    log: log.map((line) => without(line, secrets)),
    stacktrace: stacktrace.map((line) => without(line, secrets)),
    prospect,
  };
}

/** What a vendor answered may hold anything. */
export function withoutReceipts(trail: Trail): Trail {
  return trail.map((outcome) =>
    outcome.kind === "delivered" ? { ...outcome, receipt: undefined } : outcome,
  );
}

/** What must not turn up in words about it either: its sensitive fields, all of them when nobody knows which they are. */
function secretsOf(stored: ReadLetter, know: Knowledge): readonly string[] {
  return secretsIn(payloadOf(stored).payload, stored.letter.job, know);
}

export function secretsIn(
  payload: unknown,
  jobName: string,
  { jobs }: Pick<Knowledge, "jobs">,
): readonly string[] {
  const job = jobs.get(jobName);
  if (job !== undefined) return sensitiveTexts(payload, job.sensitive ?? []);
  return typeof payload === "object" && payload !== null ? sensitiveTexts(payload, Object.keys(payload)) : [];
}

function unreadable({ id, family, diedAt }: Found["entry"]): LetterSummary {
  return {
    id,
    version: "",
    queue: family.name,
    group: "",
    job: "",
    cause: "invalid",
    effect: "maybe",
    failures: [],
    reason: "its data is damaged",
    attempts: 0,
    diedAt,
    redrives: 0,
    isMoney: true,
  };
}
