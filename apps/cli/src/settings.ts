import { hostname, userInfo } from "node:os";

import { type Actor, type Role, roles } from "@understudy/operator";
import { type Command, Option } from "commander";

import { Complaint } from "./exit.ts";
import { duration, flag } from "./flags.ts";

/** What every command is told. */
export interface Settings {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly deadlineMs: number;
  readonly role: Role;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly yes: boolean;
}

interface GlobalFlags {
  readonly redis?: string;
  readonly namespace?: string;
  readonly deadline: number;
  readonly role: Role;
  readonly json?: true;
  readonly quiet?: true;
  readonly yes?: true;
}

export function addGlobalFlags(program: Command): Command {
  return program
    .addOption(flag("--redis <url>", "which Redis; else REDIS_URL"))
    .addOption(
      flag("--namespace <name>", "which installation on that Redis; else NAMESPACE, else understudy"),
    )
    .addOption(
      flag("--deadline <time>", "how long Redis may take for an answer")
        .argParser(duration)
        .default(5000, "5s"),
    )
    .addOption(flag("--role <role>", "act with no more than this role").choices(roles).default("admin"))
    .addOption(flag("--json", "answer with JSON on stdout"))
    .addOption(flag("--quiet", "nothing but the answer: of lists the ids only, of changes nothing"))
    .addOption(flag("--yes", "do not ask before a bulk action, or what something speaks against"))
    .addOption(new Option("--no-color", "no colours; also NO_COLOR").env("UNDERSTUDY_NO_COLOR"));
}

/** @throws Complaint when nobody said which Redis, or a name is none */
export function settingsOf(flags: GlobalFlags, env: NodeJS.ProcessEnv): Settings {
  const redisUrl = flags.redis ?? given(env["REDIS_URL"]);
  const namespace = flags.namespace ?? given(env["NAMESPACE"]) ?? "understudy";
  if (redisUrl === undefined)
    throw new Complaint("Which Redis? Give --redis redis://host:6379, or set REDIS_URL.");
  if (!isRedisUrl(redisUrl))
    throw new Complaint(
      "The Redis URL must look like redis://host:6379, redis://:password@host:6379/0 or rediss://host:6379; see --redis and REDIS_URL.",
    );
  if (!/^[\w-]+$/u.test(namespace))
    throw new Complaint("The namespace holds letters, digits, _ and - only; see --namespace and NAMESPACE.");
  return {
    redisUrl,
    namespace,
    deadlineMs: flags.deadline,
    role: flags.role,
    json: flags.json === true,
    quiet: flags.quiet === true,
    yes: flags.yes === true,
  };
}

function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === "" ? undefined : value.trim();
}

function isRedisUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    url !== undefined &&
    url.hostname !== "" &&
    /^rediss?:$/u.test(url.protocol) &&
    /^(?:\/\d*)?$/u.test(url.pathname)
  );
}

/** Host and port, which may be shown; the rest of the URL may be a secret. */
export function placeOf(redisUrl: string): string {
  const { hostname: host, port } = new URL(redisUrl);
  return `${host}:${port === "" ? "6379" : port}`;
}

export function actorOf(role: Role): Actor {
  return { name: `cli:${userName()}@${hostname()}`, role };
}

/** An id without a name, as containers have it, has no entry to read. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}
