import { type AnyProvider, secretKeysOf } from "@understudy/core";
import * as z from "zod";

import type { ProviderConfig } from "./config.ts";
import { type EnvReader, share, snakeCase, wholeNumber } from "./env.ts";

/** One retry for every five first tries. */
const USUAL_RETRY_BUDGET = 0.2;

/** Reads the variables of each provider by rule: SENDGRID_API_KEY is `apiKey` of `sendgrid`. */
export function readProviders(
  reader: EnvReader,
  names: ReadonlySet<string>,
  providers: Readonly<Record<string, AnyProvider>>,
  isProduction: boolean,
): ReadonlyMap<string, ProviderConfig> {
  const usualBudget = reader.read("RETRY_BUDGET", share.default(USUAL_RETRY_BUDGET)) ?? USUAL_RETRY_BUDGET;
  const entries = [...names].flatMap((name) => {
    const provider = providers[name];
    if (provider === undefined) return [];
    const settings = readProvider(reader, provider, isProduction);
    return [[name, { settings, ...readLimits(reader, name, usualBudget) }] as const];
  });
  return new Map(entries);
}

function readProvider(reader: EnvReader, provider: AnyProvider, isProduction: boolean): unknown {
  const schema = provider.config as z.ZodObject;
  const prefix = `${snakeCase(provider.name)}_`;
  const variables = new Map(Object.keys(schema.shape).map((key) => [key, `${prefix}${snakeCase(key)}`]));
  const given = Object.fromEntries(
    [...variables]
      .map(([key, variable]) => [key, reader.raw(variable)])
      .filter(([, value]) => value !== undefined),
  );
  const parsed = schema.safeParse(given);
  for (const issue of parsed.error?.issues ?? []) {
    const variable = variables.get(String(issue.path[0])) ?? prefix;
    reader.problem(
      reader.raw(variable) === undefined
        ? `${variable} is not set; ${provider.name} is on a route.${similar(reader, prefix, variables)}`
        : `${variable} is wrong: ${issue.message}.`,
    );
  }
  if (parsed.success) tryOut(reader, provider, parsed.data);
  if (isProduction) refuseSandbox(reader, provider, schema, given, variables);
  return parsed.data;
}

/** What a schema cannot see, such as the parts of a URL, an adapter refuses when it is made: better now than as a crash. */
function tryOut(reader: EnvReader, { name, adapters }: AnyProvider, settings: unknown): void {
  for (const adapter of adapters) {
    try {
      adapter.create(settings);
    } catch (error) {
      reader.problem(
        error instanceof Error ? `${error.message.replace(/\.$/u, "")}.` : `${name} is refused.`,
      );
      return;
    }
  }
}

/** A misspelt variable is the likeliest reason for a missing one. */
function similar(reader: EnvReader, prefix: string, variables: ReadonlyMap<string, string>): string {
  const strangers = reader
    .names()
    .filter((name) => name.startsWith(prefix) && ![...variables.values()].includes(name));
  return strangers.length === 0 ? "" : ` (${strangers.join(", ")} is set but means nothing here.)`;
}

function refuseSandbox(
  reader: EnvReader,
  { name, sandboxConfig }: AnyProvider,
  schema: z.ZodObject,
  given: Readonly<Record<string, string | undefined>>,
  variables: ReadonlyMap<string, string>,
): void {
  for (const key of secretKeysOf(schema)) {
    if (isSameCredential(given[key], sandboxConfig[key])) {
      reader.problem(
        `${variables.get(key)} is the sandbox's own, and NODE_ENV is production: what it serves would go nowhere. Give the real credential of ${name}.`,
      );
    }
  }
}

/** Of a URL only user and password count: the sandbox's port is another each time. */
function isSameCredential(given: string | undefined, sandbox: string | undefined): boolean {
  if (given === undefined || sandbox === undefined) return false;
  return given === sandbox || (userOf(sandbox) !== undefined && userOf(given) === userOf(sandbox));
}

function userOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { username, password } = new URL(text);
  return username === "" ? undefined : `${username}:${password}`;
}

function readLimits(
  reader: EnvReader,
  name: string,
  usualBudget: number,
): Pick<ProviderConfig, "perSecond" | "perDay" | "concurrent" | "retryBudget"> {
  const prefix = `${snakeCase(name)}_`;
  const words = "must be a number above 0, at most 100000";
  const limit = z.coerce.number<string>(words).gt(0, words).max(100_000, words).default(Infinity);
  const perDay = wholeNumber(1, 1_000_000_000).default(Infinity);
  return {
    perSecond: reader.read(`LIMIT_${prefix}PER_SECOND`, limit) ?? Infinity,
    perDay: reader.read(`LIMIT_${prefix}PER_DAY`, perDay) ?? Infinity,
    concurrent: reader.read(`LIMIT_${prefix}CONCURRENT`, limit) ?? Infinity,
    retryBudget: reader.override(`RETRY_BUDGET_${snakeCase(name)}`, share) ?? usualBudget,
  };
}
