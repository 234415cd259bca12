import type { Command } from "commander";

import type { FilterFlags } from "../filter-flags.ts";
import { flag, rate } from "../flags.ts";

export interface PaceFlags extends FilterFlags {
  readonly to?: string;
  readonly rate?: number;
  readonly seen?: string;
}

export function addPaceFlags(command: Command, hasTarget = true): Command {
  if (hasTarget)
    command.addOption(flag("--to <provider>", "only this provider shall serve them, whoever it was before"));
  command.addOption(
    flag(
      "--seen <version>",
      "of one letter: its version as show prints it; nothing is done to a later death",
    ),
  );
  return command.addOption(flag("--rate <count>", "how many a second; 10 unless said").argParser(rate));
}

export function paceOf({ to, rate }: PaceFlags): { readonly provider?: string; readonly perSecond?: number } {
  return {
    ...(to === undefined ? {} : { provider: to }),
    ...(rate === undefined ? {} : { perSecond: rate }),
  };
}
