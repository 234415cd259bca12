import { type Client, createClient, type Routes } from "@understudy/client";
import { type AnyProvider, UnderstudyError } from "@understudy/core";
import { jobs } from "@understudy/jobs";
import { type Actor, createOperator, type Operator, type Who } from "@understudy/operator";
import type { Command } from "commander";

import { askReason } from "./ask.ts";
import { Complaint, type ExitCode, exitCodeOf, exitCodes } from "./exit.ts";
import { actorOf, placeOf, type Settings, settingsOf } from "./settings.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** What a command works with. Connections are opened by the first who asks for them. */
export interface Session {
  readonly settings: Settings;
  readonly terminal: Terminal;
  readonly actor: Actor;
  readonly operator: Operator;
  client(routes?: Routes): Client;
  /** Who acts and why; asks for the reason when it was not given. @throws Complaint when there is nobody to ask */
  who(flags: { readonly reason?: string }): Promise<Who>;
  /** Prints it, or as JSON when that was asked for. */
  readonly answer: (json: Readonly<Record<string, unknown>>, print: () => void) => void;
}

/** The operator is to judge what the providers would do with a letter. */
export const needsProviders = { providers: true } as const;

/**
 * What an action of commander is made of: it opens a session, runs, closes it, and leaves the exit code.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- commander's flags have no type; whoever added them says it
export function act<Flags extends object>(
  run: (session: Session, args: readonly string[], flags: Flags) => Promise<ExitCode | void>,
  needs: Partial<typeof needsProviders> = {},
): (...received: readonly unknown[]) => Promise<void> {
  return async (...received) => {
    const command = received.at(-1) as Command;
    const flags = command.optsWithGlobals<Parameters<typeof settingsOf>[0] & Flags & { color: boolean }>();
    const settings = settingsOf(flags, process.env);
    const terminal = openTerminal({ quiet: settings.quiet, color: flags.color });
    // With the vendors' SDKs it takes as long to load as all the rest.
    const { providers } =
      needs.providers === true ? await import("@understudy/providers") : { providers: {} };
    await using session = openSession(settings, terminal, providers);
    try {
      process.exitCode = (await run(session, command.args, flags)) ?? exitCodes.done;
    } catch (error) {
      throw withPlace(error, settings);
    }
  };
}

/** Which Redis it was is half of what there is to know when it does not answer. */
function withPlace(error: unknown, { redisUrl }: Settings): unknown {
  if (!(error instanceof UnderstudyError) || exitCodeOf(error.code) !== exitCodes.redis) return error;
  return new Complaint(`${placeOf(redisUrl)}: ${error.message}`, exitCodes.redis);
}

function openSession(
  settings: Settings,
  terminal: Terminal,
  providers: Readonly<Record<string, AnyProvider>>,
): Session & AsyncDisposable {
  const { redisUrl: redis, namespace, deadlineMs } = settings;
  const actor = actorOf(settings.role);
  const opened: AsyncDisposable[] = [];
  let operator: Operator | undefined;
  const keep = <T extends AsyncDisposable>(made: T): T => {
    opened.push(made);
    return made;
  };
  return {
    settings,
    terminal,
    actor,
    get operator() {
      operator ??= keep(createOperator({ redis, namespace, jobs, providers, deadlineMs }));
      return operator;
    },
    client: (routes) => keep(createClient({ redis, namespace, deadlineMs, ...(routes && { routes }) })),
    who: async ({ reason }) => ({ by: actor, reason: await askReason(terminal, reason) }),
    answer(json, print) {
      if (settings.json) terminal.json(json);
      else print();
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(opened.map((each) => each[Symbol.asyncDispose]()));
    },
  };
}
