import type { Order, Verb } from "@understudy/operator";
import type { Command } from "commander";

import { askName } from "../ask.ts";
import { exitCodes } from "../exit.ts";
import { duration, flag } from "../flags.ts";
import { plain } from "../plain.ts";
import { act, needsProviders, type Session } from "../session.ts";
import { clockTime } from "../time.ts";
import { addCommand } from "./group.ts";
import { type ReasonFlags, reasonFlag } from "./reason.ts";

interface AboutFlags extends ReasonFlags {
  readonly capability?: string;
}

interface VerbFlags extends AboutFlags {
  readonly for?: number;
}

const about: Readonly<Record<Verb, { readonly summary: string; readonly example: string }>> = {
  divert: {
    summary: "send a provider no new work; what is bound to it stays with it",
    example: 'providers divert sendgrid --for 2h --reason "slow since noon"',
  },
  prefer: {
    summary: "ask a provider first, whatever its route says, as long as its circuit is closed",
    example: 'providers prefer mailgun --capability email.send --for 1d --reason "cheaper this month"',
  },
  isolate: {
    summary: "hold a provider's circuit open: nobody calls it at all, not even with a probe",
    example: 'providers isolate sendgrid --for 30m --reason "it takes mails and drops them"',
  },
};

export function addVerb(providers: Command, verb: Verb): void {
  const { summary, example } = about[verb];
  addCommand(providers, verb, { summary, examples: [example] })
    .argument("<provider>", "its name")
    .addOption(capabilityFlag())
    .addOption(flag("--for <time>", "how long, up to 30d; without, until it is restored").argParser(duration))
    .addOption(reasonFlag())
    .action(
      act<VerbFlags>(async (session, [provider = ""], flags) => {
        const order = {
          verb,
          provider,
          ...(flags.capability === undefined ? {} : { capability: flags.capability }),
          ...(flags.for === undefined ? {} : { forMs: flags.for }),
        };
        await confirm(session, order);
        const directed = await session.operator.direct(order, await session.who(flags));
        session.answer({ ...directed }, () => {
          const { terminal } = session;
          terminal.remark(plain(directed.consequence));
          for (const warning of directed.warnings)
            terminal.say(`${terminal.paint("yellow", "Warning:")} ${warning}`);
          terminal.remark(`${endOf(directed.directive.until)} Take it back: ${restoreCommand(order)}`);
        });
      }, needsProviders),
    );
}

export function addRestore(providers: Command): void {
  addCommand(providers, "restore", {
    summary: "take back what was said of a provider: of one capability, or all of it",
    examples: ['providers restore sendgrid --reason "they are back"'],
  })
    .argument("<provider>", "its name")
    .addOption(capabilityFlag())
    .addOption(reasonFlag())
    .action(
      act<AboutFlags>(async (session, [provider = ""], flags) => {
        const { capability } = flags;
        const named = { provider, ...(capability === undefined ? {} : { capability }) };
        const restored = await session.operator.restore(named, await session.who(flags));
        session.answer({ ...restored }, () => {
          if (restored.answer === "restored") session.terminal.remark(plain(restored.sentence));
          else session.terminal.say(restored.sentence);
        });
        return restored.answer === "restored" ? exitCodes.done : exitCodes.leftAlone;
      }, needsProviders),
    );
}

/** Where a person can be asked, what speaks against it is shown before it is done. */
async function confirm({ operator, terminal, settings }: Session, order: Order): Promise<void> {
  if (!terminal.isInteractive || settings.yes) return;
  const { warnings } = await operator.weigh(order);
  if (warnings.length === 0) return;
  for (const warning of warnings)
    terminal.remark(`${terminal.paint("yellow", "Warning:")} ${plain(warning)}`);
  await askName(order.verb, order.provider);
}

function endOf(until: number | undefined): string {
  return until === undefined ? "It holds until it is taken back." : `It holds until ${clockTime(until)}.`;
}

function restoreCommand({ provider, capability }: Order): string {
  const of = capability === undefined ? "" : ` --capability ${capability}`;
  return plain(`understudy providers restore ${provider}${of}`);
}

function capabilityFlag() {
  return flag("--capability <name>", "of this alone, such as email.send; without, of all of the provider's");
}
