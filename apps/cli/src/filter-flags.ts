import { causes } from "@understudy/core";
import type { LetterFilter, Selection } from "@understudy/operator";
import type { Command } from "commander";

import { Complaint } from "./exit.ts";
import { flag, list, listOf, moment } from "./flags.ts";

const effects = ["none", "maybe"] as const;

export interface FilterFlags {
  readonly queue?: readonly string[];
  readonly job?: readonly string[];
  readonly cause?: LetterFilter["cause"];
  readonly effect?: LetterFilter["effect"];
  readonly provider?: readonly string[];
  readonly code?: readonly string[];
  readonly group?: readonly string[];
  readonly since?: number;
  readonly until?: number;
  readonly text?: string;
  readonly all?: true;
}

/** Which dead letters; of a list, or a flag that is repeated, one is enough, of several flags all must hold. */
export function addFilterFlags(command: Command): Command {
  const lists = [
    ["--queue <names>", "of these queues: email,payments"],
    ["--job <names>", "of these jobs: welcome-email"],
    ["--provider <names>", "that failed at these providers"],
    ["--code <codes>", "that failed with these codes: http_503; with --provider, there"],
    ["--group <groups>", "of these groups, as dead-letters groups names them"],
  ] as const;
  for (const [flags, description] of lists) command.addOption(flag(flags, description).argParser(list));
  return command
    .addOption(flag("--cause <causes>", `that died of these: ${causes.join(", ")}`).argParser(listOf(causes)))
    .addOption(
      flag("--effect <effects>", "that had no effect (none) or may have had one (maybe)").argParser(
        listOf(effects),
      ),
    )
    .addOption(flag("--since <time>", "that died since then: 2h ago, or 2026-11-24").argParser(moment))
    .addOption(flag("--until <time>", "that died until then").argParser(moment))
    .addOption(flag("--text <words>", "with this in id, reason or a field that is not sensitive"));
}

/** For commands that act: all of them is said, never meant by silence. */
export function addSelectionFlags(command: Command): Command {
  return addFilterFlags(command).addOption(flag("--all", "all dead letters there are"));
}

/** @throws Complaint when it can match nothing */
export function filterOf(flags: FilterFlags): LetterFilter {
  const { queue, job, cause, effect, provider, code, group, since, until, text } = flags;
  if (since !== undefined && until !== undefined && since > until)
    throw new Complaint("--since is later than --until, so nothing can match; swap them.");
  if (text?.trim() === "") throw new Complaint("--text is empty; leave it out, or give a word to look for.");
  const given = { queue, job, cause, effect, provider, code, group, from: since, to: until, text };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Ids, or a filter, or --all. @throws Complaint when it is none or more than one of them */
export function selectionOf(ids: readonly string[], flags: FilterFlags): Selection {
  const filter = filterOf(flags);
  const hasFilter = Object.keys(filter).length > 0;
  const ways = [ids.length > 0, hasFilter, flags.all === true].filter(Boolean).length;
  if (ways === 0)
    throw new Complaint(
      "Which dead letters? Name their ids, or give a filter such as --queue email, or --all.",
    );
  if (ways > 1) throw new Complaint("Give ids, or a filter, or --all, and one of them only.");
  return ids.length > 0 ? { ids: [...new Set(ids)] } : { filter };
}
