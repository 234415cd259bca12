import { Command } from "commander";

import { addAudit } from "./commands/audit.ts";
import { addCompletion } from "./commands/completion.ts";
import { addDeadLetters } from "./commands/dead-letters.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEnqueue } from "./commands/enqueue.ts";
import { describe } from "./commands/group.ts";
import { addJobs } from "./commands/jobs.ts";
import { addProviders } from "./commands/providers.ts";
import { addQueues } from "./commands/queues.ts";
import { addRuns } from "./commands/runs.ts";
import { addGlobalFlags } from "./settings.ts";
import { complain } from "./terminal.ts";

/** The whole tree of commands. Errors of usage are thrown, told in one sentence, and point to the help. */
export function createProgram(): Command {
  const program = new Command("understudy")
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text) => complain(asSentence(text)) });
  describe(program, {
    summary: "background jobs that reach the outside world: look, understand, act",
    examples: [
      "doctor",
      "dead-letters groups",
      "jobs explain welcome-email-1f0c",
      'dead-letters redrive --provider sendgrid --rate 20 --reason "sendgrid is back"',
    ],
  });
  addGlobalFlags(program);
  addEnqueue(program);
  addJobs(program);
  addQueues(program);
  addDeadLetters(program);
  addRuns(program);
  addProviders(program);
  addAudit(program);
  addDoctor(program);
  addCompletion(program);
  return program;
}

/** "error: unknown option '--x'" -> "Unknown option '--x'. See --help." */
function asSentence(text: string): string {
  const words = text
    .trim()
    .replace(/^error: /u, "")
    .replaceAll("\n", " ");
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  return `${/[.)?]$/u.test(sentence) ? sentence : `${sentence}.`} See --help.`;
}
