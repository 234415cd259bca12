import type { Command } from "commander";

import {
  addFilterFlags,
  addSelectionFlags,
  type FilterFlags,
  filterOf,
  selectionOf,
} from "../filter-flags.ts";
import { flag, wholeNumber } from "../flags.ts";
import { plain } from "../plain.ts";
import { act, needsProviders } from "../session.ts";
import { count, many } from "../words/count.ts";
import { groupColumns, letterColumns, printLetter } from "../words/letter.ts";
import { printPlan } from "../words/plan.ts";
import { addActions } from "./dead-letter-actions.ts";
import { addEdit } from "./dead-letter-edit.ts";
import { addCommand } from "./group.ts";
import { noLetter } from "./no-letter.ts";
import { addPaceFlags, type PaceFlags, paceOf } from "./pace-flags.ts";

interface PageFlags extends FilterFlags {
  readonly limit: number;
  readonly after?: string;
}

export function addDeadLetters(program: Command): void {
  const letters = addCommand(program, "dead-letters", {
    summary: "jobs that ended without success: find them, understand them, put them back",
    examples: [
      "dead-letters groups",
      "dead-letters ls --provider sendgrid --since 2h",
      "dead-letters plan --provider sendgrid --to mailgun",
      'dead-letters redrive --provider sendgrid --to mailgun --rate 20 --reason "sendgrid is down"',
    ],
  });
  addList(letters);
  addShow(letters);
  addGroups(letters);
  addPlan(letters);
  addActions(letters);
  addEdit(letters);
}

function addList(letters: Command): void {
  addFilterFlags(
    addCommand(letters, "ls", {
      summary: "dead letters, the newest first",
      examples: [
        "dead-letters ls",
        "dead-letters ls --queue email,payments --cause exhausted --since 2h",
        "dead-letters ls --provider stripe --effect maybe --json",
      ],
    }),
  )
    .addOption(flag("--limit <count>", "how many").argParser(wholeNumber(1, 500)).default(50))
    .addOption(flag("--after <mark>", "go on where the page before ended, as it said"))
    .action(
      act<PageFlags>(async ({ operator, terminal, answer }, _, flags) => {
        const { limit, after } = flags;
        const page = await operator.letters(filterOf(flags), {
          limit,
          ...(after === undefined ? {} : { after }),
        });
        answer({ ...page }, () => {
          if (terminal.isQuiet) for (const { id } of page.letters) terminal.print(plain(id));
          else terminal.table(letterColumns(Date.now()), page.letters);
          terminal.remark(
            [
              `${count(page.letters.length)} of ${page.total === undefined ? "those that match" : count(page.total)}.`,
              ...(page.next === undefined ? [] : [`More: the same with --after ${plain(page.next)}`]),
            ].join(" "),
          );
        });
      }),
    );
}

function addShow(letters: Command): void {
  addCommand(letters, "show", {
    summary:
      "one dead letter: why, every call, its payload without what is sensitive, what a redrive would do",
    examples: ["dead-letters show welcome-email-1f0c", "dead-letters show charge-card-77aa --log"],
  })
    .argument("<id>", "the job's id")
    .addOption(flag("--log", "with the job's log and stack trace"))
    .action(
      act<{ readonly log?: true }>(async ({ operator, terminal, answer }, [id = ""], { log }) => {
        const letter = await operator.letter(id);
        if (letter === undefined) throw noLetter(id);
        answer({ letter }, () => printLetter(terminal, letter, log === true, Date.now()));
      }, needsProviders),
    );
}

function addGroups(letters: Command): void {
  addFilterFlags(
    addCommand(letters, "groups", {
      summary: "dead letters by what they died of, the most numerous first",
      examples: ["dead-letters groups", "dead-letters groups --queue email --since 1d"],
    }),
  ).action(
    act<FilterFlags>(async ({ operator, terminal, answer }, _, flags) => {
      const page = await operator.groups(filterOf(flags));
      answer({ ...page }, () => {
        if (terminal.isQuiet) for (const { group } of page.groups) terminal.print(plain(group));
        else terminal.table(groupColumns(Date.now()), page.groups);
        terminal.remark(`${many(page.groups.length, "cause")}, ${many(page.total, "letter")}.`);
      });
    }),
  );
}

function addPlan(letters: Command): void {
  addPaceFlags(
    addSelectionFlags(
      addCommand(letters, "plan", {
        summary: "what a redrive would do to each of them; changes nothing",
        examples: [
          "dead-letters plan --all",
          "dead-letters plan --group 3f9a1c --to mailgun --rate 20",
          "dead-letters plan welcome-email-1f0c charge-card-77aa",
        ],
      }),
    ).argument("[ids...]", "ids of jobs, instead of a filter"),
  ).action(
    act<PaceFlags>(async ({ operator, terminal, answer }, ids, flags) => {
      const plan = await operator.plan(selectionOf(ids, flags), paceOf(flags));
      answer({ ...plan }, () => printPlan(terminal, plan));
    }, needsProviders),
  );
}
