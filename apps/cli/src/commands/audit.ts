import type { AuditEntry } from "@understudy/operator";
import { type Command, InvalidArgumentError } from "commander";

import { exitCodes } from "../exit.ts";
import { flag, wholeNumber } from "../flags.ts";
import { plain } from "../plain.ts";
import { act } from "../session.ts";
import type { Column } from "../table.ts";
import { clockTime } from "../time.ts";
import { count } from "../words/count.ts";
import { addCommand } from "./group.ts";

interface HeadFlags {
  readonly head?: { readonly entries: number; readonly head: string };
}

function kept(text: string): NonNullable<HeadFlags["head"]> {
  const [, entries, head] = /^(\d{1,12}):([\da-f]{64})$/u.exec(text) ?? [];
  if (entries !== undefined && head !== undefined) return { entries: Number(entries), head };
  throw new InvalidArgumentError(
    "It must look as verify printed it: 412:41e5…, the entry and 64 digits of its hash.",
  );
}

interface PageFlags {
  readonly limit: number;
  readonly before?: number;
}

export function addAudit(program: Command): void {
  const audit = addCommand(program, "audit", {
    summary: "who changed what, and whether the log of it is whole",
    examples: ["audit ls", "audit verify"],
  });
  addCommand(audit, "ls", {
    summary: "the audit log, the newest first",
    examples: ["audit ls", "audit ls --limit 200 --json", "audit ls --before 1200"],
  })
    .addOption(flag("--limit <count>", "how many").argParser(wholeNumber(1, 500)).default(50))
    .addOption(flag("--before <number>", "older than that entry").argParser(wholeNumber(1, 1e12)))
    .action(
      act<PageFlags>(async ({ operator, terminal, answer }, _, { limit, before }) => {
        const page = await operator.audit({ limit, ...(before === undefined ? {} : { before }) });
        answer({ ...page }, () => {
          terminal.table(columns, page.entries);
          const last = page.entries.at(-1)?.number ?? 1;
          terminal.remark(
            `${count(page.entries.length)} of ${count(page.total)}.${last > 1 ? ` Older: understudy audit ls --before ${last}` : ""}`,
          );
        });
      }),
    );
  addCommand(audit, "verify", {
    summary: "recompute the chain of hashes; status 1 when the log was tampered with",
    examples: ["audit verify", "audit verify --quiet && echo whole", "audit verify --head 412:41e595bb…"],
  })
    .addOption(
      flag(
        "--head <entry:hash>",
        "as an earlier verify printed it: also tells whether all of the log was written anew",
      ).argParser(kept),
    )
    .action(
      act<HeadFlags>(async ({ operator, terminal, answer }, _, { head }) => {
        const since = head === undefined ? undefined : await operator.verifyAudit(head);
        const found = since?.ok === false ? since : await operator.verifyAudit();
        answer({ ...found }, () => {
          if (!found.ok)
            terminal.say(
              `The audit log is broken at entry ${found.firstBad}: ${found.problem} Compare with a copy kept elsewhere, and find out who can write to this Redis.`,
            );
          else if (!terminal.isQuiet) {
            terminal.say(`The audit log is whole: ${count(found.entries)} entries.`);
            terminal.print(`head: ${found.entries}:${found.head}`);
            terminal.remark("Keep the head elsewhere: whoever rewrites the whole log changes it.");
          }
        });
        return found.ok ? exitCodes.done : exitCodes.leftAlone;
      }),
    );
}

const columns: readonly Column<AuditEntry>[] = [
  { title: "no.", value: ({ number }) => String(number), align: "right" },
  { title: "when", value: ({ at }) => clockTime(at) },
  { title: "by", value: ({ by }) => plain(by), min: 8 },
  { title: "role", value: ({ role }) => plain(role), from: 120 },
  { title: "action", value: ({ action }) => plain(action), min: 8 },
  { title: "subject", value: ({ subject }) => plain(subject), min: 8 },
  { title: "result", value: ({ result = "" }) => plain(result), min: 6 },
  { title: "reason", value: ({ reason = "" }) => plain(reason), min: 8, from: 100 },
];
