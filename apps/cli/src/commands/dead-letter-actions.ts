import type { BulkAction, Who } from "@understudy/operator";
import type { Command } from "commander";

import { askCount } from "../ask.ts";
import { doInBulk } from "../bulk.ts";
import { type ExitCode, exitCodes } from "../exit.ts";
import { addSelectionFlags, selectionOf } from "../filter-flags.ts";
import { plain } from "../plain.ts";
import { act, needsProviders, type Session } from "../session.ts";
import { when } from "../time.ts";
import { answerWords, done } from "../words/run.ts";
import { addCommand } from "./group.ts";
import { addPaceFlags, type PaceFlags, paceOf } from "./pace-flags.ts";
import { type ReasonFlags, reasonFlag } from "./reason.ts";

interface Verb {
  readonly action: BulkAction;
  readonly summary: string;
  readonly examples: readonly string[];
  /** The answer that means that it was done. */
  readonly did: string;
  one(session: Session, id: string, who: Who, flags: PaceFlags): Promise<string>;
}

const verbs: readonly Verb[] = [
  {
    action: "redrive",
    summary: "give them a new life on their queue, at a rate, to a chosen provider if wanted",
    examples: [
      'dead-letters redrive welcome-email-1f0c --reason "address was mended"',
      'dead-letters redrive --provider sendgrid --since 2h --to mailgun --rate 20 --reason "sendgrid is down"',
    ],
    did: "redriven",
    one: ({ operator }, id, who, { to, seen }) =>
      operator.redrive(id, who, { ...asSeen(seen), ...(to === undefined ? {} : { provider: to }) }),
  },
  {
    action: "look-up",
    summary: "have workers ask the providers whether they happened",
    examples: ['dead-letters look-up --queue payments --effect maybe --reason "before we redrive"'],
    did: "asked",
    one: ({ operator }, id, who, { seen }) => operator.lookUp(id, who, asSeen(seen)),
  },
  {
    action: "release",
    summary:
      "vouch that they did not happen: from then on they may be redriven, and where you are wrong, happen twice",
    examples: ['dead-letters release charge-card-77aa --reason "not in the books of Stripe, order 1234"'],
    did: "released",
    one: async (session, id, who, { seen }) =>
      session.operator.release(id, who, asSeen(seen ?? (await looked(session, id)))),
  },
  {
    action: "discard",
    summary: "delete them for good",
    examples: ['dead-letters discard --job sync-analytics --until 30d --reason "of no use any more"'],
    did: "discarded",
    one: ({ operator }, id, who, { seen }) => operator.discard(id, who, asSeen(seen)),
  },
];

function asSeen(seen: string | undefined): { readonly seen?: string } {
  return seen === undefined ? {} : { seen };
}

/** Whoever vouches for a death must have looked at that one: it is shown, and asked for. Undefined where there is nobody to ask. */
async function looked({ operator, terminal, settings }: Session, id: string): Promise<string | undefined> {
  const letter = terminal.isInteractive ? await operator.letter(id) : undefined;
  if (letter === undefined) return undefined;
  terminal.remark(plain(`${letter.sentence} It died ${when(letter.diedAt, Date.now())}.`));
  if (!settings.yes) await askCount(terminal, "release", 1);
  return letter.version;
}

/** One id is done at once; several, or a filter, are planned, confirmed, and driven as a run. */
export function addActions(letters: Command): void {
  for (const verb of verbs) {
    const command = addCommand(letters, verb.action, verb).argument(
      "[ids...]",
      "ids of jobs, instead of a filter",
    );
    addPaceFlags(addSelectionFlags(command), verb.action === "redrive")
      .addOption(reasonFlag())
      .action(
        act<PaceFlags & ReasonFlags>(async (session, ids, flags) => {
          const selection = selectionOf(ids, flags);
          const [id, ...others] = "ids" in selection ? selection.ids : [];
          if (id !== undefined && others.length === 0) return await doToOne(session, verb, id, flags);
          const { reason } = flags;
          const options = paceOf(flags);
          return await doInBulk(session, {
            action: verb.action,
            selection,
            options,
            ...(reason && { reason }),
          });
        }, needsProviders),
      );
  }
}

async function doToOne(
  session: Session,
  verb: Verb,
  id: string,
  flags: PaceFlags & ReasonFlags,
): Promise<ExitCode> {
  const { terminal } = session;
  const result = await verb.one(session, id, await session.who(flags), flags);
  const isDone = result === verb.did;
  session.answer({ id, answer: result }, () => {
    if (isDone) terminal.remark(`${plain(id)} is ${done[verb.action]}.${next(verb.action, id)}`);
    else terminal.say(`${id} was left alone. ${reasonOf(result, id)}`);
  });
  return isDone ? exitCodes.done : exitCodes.leftAlone;
}

function next(action: BulkAction, id: string): string {
  return action === "redrive" || action === "look-up"
    ? ` What comes of it: understudy jobs explain ${plain(id)}`
    : "";
}

function reasonOf(answer: string, id: string): string {
  switch (answer) {
    case "gone":
      return `There is no such dead letter (any more): understudy jobs explain ${id}`;
    case "held":
      return `Nobody knows whether it happened, and it must not happen twice. Ask its provider: understudy dead-letters look-up ${id}. Or, when you know that it did not: understudy dead-letters release ${id}`;
    case "live":
      return "The job is alive again already.";
    case "changed":
      return `It is not as you saw it any more: it has died anew, or was edited or released. Look again: understudy dead-letters show ${id}`;
    case "known":
      return "It is known to have had no effect, so it may be redriven as it is.";
    default:
      return `It is ${answerWords(answer)}.`;
  }
}
