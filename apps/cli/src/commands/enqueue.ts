import type { Enqueued, Routes } from "@understudy/client";
import type { AnyJob } from "@understudy/core";
import { jobs } from "@understudy/jobs";
import { jobIdOf } from "@understudy/queue";
import type { Command } from "commander";

import { Complaint, exitCodes } from "../exit.ts";
import { duration, flag, list, wholeNumber } from "../flags.ts";
import { isMoney } from "../money.ts";
import { payloadFlag, readPayload } from "../payload-flag.ts";
import { plain } from "../plain.ts";
import { act, type Session } from "../session.ts";
import { describe } from "./group.ts";
import { type ReasonFlags, reasonFlag } from "./reason.ts";

interface EnqueueFlags extends ReasonFlags {
  readonly payload?: string;
  readonly key?: string;
  readonly delay?: number;
  readonly priority?: number;
  readonly provider?: readonly string[];
}

export function addEnqueue(program: Command): void {
  describe(program.command("enqueue"), {
    summary: "store a job, as an application would",
    examples: [
      `enqueue welcome-email --payload '{"to":"ada@example.com","name":"Ada"}' --reason "asked for again"`,
      'enqueue charge-card --payload @charge.json --key order-1234 --reason "lost in the outage"',
      "enqueue welcome-email --payload - --delay 5m --provider smtp --reason test < mail.json",
    ],
  })
    .argument("<job>", `its name: ${jobs.map(({ name }) => name).join(", ")}`)
    .addOption(payloadFlag())
    .addOption(
      flag("--key <key>", "idempotency key: two enqueues with one key are one job; money demands it"),
    )
    .addOption(flag("--delay <time>", "not before that time has passed: 5m").argParser(duration))
    .addOption(flag("--priority <number>", "1 is the most urgent").argParser(wholeNumber(1, 2_097_152)))
    .addOption(flag("--provider <names>", "only these providers may serve it").argParser(list))
    .addOption(reasonFlag())
    .action(act<EnqueueFlags>(async (session, [name = ""], flags) => await enqueue(session, name, flags)));
}

async function enqueue(session: Session, name: string, flags: EnqueueFlags): Promise<0 | 1> {
  const job = knownJob(name);
  if (flags.payload === undefined)
    throw new Complaint(`Which payload? Give --payload '{…}', @file, or - for stdin.`);
  const payload: unknown = await readPayload(flags.payload);
  const { by, reason } = await session.who(flags);
  // Money must bring its own key, and the client says so.
  const key = flags.key ?? (isMoney(name) ? undefined : crypto.randomUUID());
  const subject = key === undefined ? name : jobIdOf(name, key);
  const options = {
    ...(key === undefined ? {} : { idempotencyKey: key }),
    ...(flags.delay === undefined ? {} : { delayMs: flags.delay }),
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
    ...(flags.provider === undefined ? {} : { providers: flags.provider }),
  };
  const enqueued = await session.operator.perform(
    { action: "enqueue", subject, job: name },
    { by, reason },
    async () => {
      const value = await session.client(routesOf(job, process.env)).enqueue(job, payload, options);
      return { result: value.status, value };
    },
  );
  session.answer({ ...enqueued }, () => print(session, enqueued));
  return enqueued.status === "conflict" ? exitCodes.leftAlone : exitCodes.done;
}

function knownJob(name: string): AnyJob {
  const job: AnyJob | undefined = jobs.find((each) => each.name === name);
  if (job !== undefined) return job;
  throw new Complaint(`There is no job ${name}; it is one of ${jobs.map((each) => each.name).join(", ")}.`);
}

/** As the workers read it: ROUTE_ANALYTICS_TRACK=segment,mixpanel. Sinks must be known; of rivals it is of use. */
function routesOf({ capability }: AnyJob, env: NodeJS.ProcessEnv): Routes {
  const name: string = capability.name;
  const value = env[`ROUTE_${name.replaceAll(/[-.]/gu, "_").toUpperCase()}`]?.trim();
  return value === undefined || value === "" ? {} : { [name]: list(value) };
}

function print({ terminal }: Session, { id, queue, status, sinks }: Enqueued): void {
  const ids = sinks === undefined ? [id] : sinks.map((sink) => sink.id);
  for (const each of ids) terminal.print(plain(each));
  if (status === "created")
    terminal.remark(`Stored on ${queue}. What becomes of it: understudy jobs explain ${ids[0]}`);
  if (status === "duplicate")
    terminal.remark("This key with this payload was known already; nothing was added.");
  if (status === "conflict")
    terminal.remark(
      "This key is known with another payload: nothing was changed. Take another key for another job.",
    );
}
