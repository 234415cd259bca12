import type { AnyJob, AnyProvider, Capability } from "@understudy/core";
import * as z from "zod";

import { type Circuits, readCircuits } from "./circuit-config.ts";
import { type Env, EnvReader, wholeNumber } from "./env.ts";
import { type ProcessConfig, readProcess, readRole } from "./process-config.ts";
import { readProviders } from "./provider-config.ts";
import { isRouted, readRoutes, type RouteConfig } from "./route-config.ts";

/** Everything this process was told, parsed once. */
export interface WorkerConfig extends ProcessConfig {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly queues: readonly QueueConfig[];
  /** Capability name -> who serves it, and how they share it. */
  readonly routes: ReadonlyMap<string, RouteConfig>;
  /** Provider name -> its own configuration. */
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  readonly callTimeoutMs: number;
  /** Instead of what each provider says of its own look-ups; for sandboxes, whose books do not lag. */
  readonly lookUpAfterMs: number | undefined;
  readonly lockMs: number;
  readonly stalledCheckMs: number;
  /** How much of each family's dead letters the janitor keeps; all of them without a bound. */
  readonly retention: {
    readonly maxAgeMs?: number;
    readonly maxLetters?: number;
    readonly maxBytes?: number;
  };
  readonly circuits: Circuits;
  /** alone: shares nothing with the other workers, and goes by what it sees itself. */
  readonly fleet: (typeof fleets)[number];
  /** plain: each job is fetched and settled by a call of its own. packages/queue goes by the same variable, for producers too. */
  readonly backend: (typeof backends)[number];
  /** A backup that has not delivered for so long is told of as unproven. */
  readonly provenMs: number;
  /** Variables that are probably misspelt, a sentence each. */
  readonly suspicions: readonly string[];
}

export interface QueueConfig {
  readonly name: string;
  readonly concurrency: number;
}

export interface ProviderConfig {
  readonly settings: unknown;
  /** Calls a second, and a day, for the account over the whole fleet; Infinity when unlimited. */
  readonly perSecond: number;
  readonly perDay: number;
  /** Retries as a share of first tries, over the whole fleet. */
  readonly retryBudget: number;
  /** Calls at once from this process; Infinity when unlimited. */
  readonly concurrent: number;
}

const fleets = ["shared", "alone"] as const;
const backends = ["fast", "plain"] as const;

const redisUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "") return false;
  return /^rediss?:$/u.test(url.protocol) && /^(?:\/\d*)?$/u.test(url.pathname);
}, "must look like redis://host:6379, redis://:password@host:6379/0 or rediss://host:6379");
const atLeast = (min: number, fallback: number): z.ZodType<number> =>
  wholeNumber(min, 86_400_000).default(fallback);

/** @throws UnderstudyError config_invalid that lists every wrong variable at once */
export function readConfig(
  env: Env,
  jobs: readonly AnyJob[],
  providers: Readonly<Record<string, AnyProvider>>,
): WorkerConfig {
  const reader = new EnvReader(env);
  const isProduction = reader.raw("NODE_ENV")?.toLowerCase() === "production";
  const queues = readQueues(reader, jobs);
  const role = readRole(reader);
  const routes =
    role === "janitor" ? new Map<string, RouteConfig>() : readRoutes(reader, jobs, queues, providers);
  const callTimeoutMs = reader.read("CALL_TIMEOUT_MS", atLeast(100, 15_000)) ?? 0;
  const config = {
    redisUrl: reader.read("REDIS_URL", redisUrl) ?? "",
    namespace:
      reader.read(
        "NAMESPACE",
        z
          .string()
          .regex(/^[\w-]+$/u, "holds letters, digits, _ and - only")
          .default("understudy"),
      ) ?? "",
    queues,
    routes,
    providers: readProviders(
      reader,
      new Set([...routes.values()].flatMap((route) => route.providers)),
      providers,
      isProduction,
    ),
    callTimeoutMs,
    lookUpAfterMs: readLookUpAfter(reader, isProduction),
    lockMs: reader.read("LOCK_MS", atLeast(1000, 60_000)) ?? 0,
    stalledCheckMs: reader.read("STALLED_CHECK_MS", atLeast(500, 30_000)) ?? 0,
    retention: readRetention(reader),
    backend: reader.read("UNDERSTUDY_BACKEND", z.enum(backends).default("fast")) ?? "fast",
    fleet: reader.read("FLEET", z.enum(fleets).default("shared")) ?? "shared",
    circuits: readCircuits(reader, routes, callTimeoutMs),
    provenMs: (reader.read("BACKUP_PROVEN_HOURS", wholeNumber(1, 8760).default(24)) ?? 0) * 3_600_000,
    ...readProcess(reader, role),
  };
  reader.finish();
  return { ...config, suspicions: reader.suspicions() };
}

function readLookUpAfter(reader: EnvReader, isProduction: boolean): number | undefined {
  const lookUpAfterMs = reader.read("LOOK_UP_AFTER_MS", wholeNumber(0, 86_400_000).optional());
  if (isProduction && lookUpAfterMs !== undefined)
    reader.problem(
      "LOOK_UP_AFTER_MS is for sandboxes, and NODE_ENV is production: a provider that is believed too early costs a second charge. Unset it.",
    );
  return lookUpAfterMs;
}

const DAY_MS = 86_400_000;
const MEGABYTE = 1_000_000;

function readRetention(reader: EnvReader): WorkerConfig["retention"] {
  const days = reader.read("DEAD_LETTERS_MAX_DAYS", wholeNumber(1, 36_500).optional());
  const maxLetters = reader.read("DEAD_LETTERS_MAX_COUNT", wholeNumber(1, 100_000_000).optional());
  const megabytes = reader.read("DEAD_LETTERS_MAX_MB", wholeNumber(1, 1_000_000).optional());
  return {
    ...(days === undefined ? {} : { maxAgeMs: days * DAY_MS }),
    ...(maxLetters === undefined ? {} : { maxLetters }),
    ...(megabytes === undefined ? {} : { maxBytes: megabytes * MEGABYTE }),
  };
}

/**
 * QUEUES=email=20,payments=5: which queues, and how many jobs of each at once. Unset, those for which some route is set: an
 * installation that sends mail only need not know of the rest.
 */
function readQueues(reader: EnvReader, jobs: readonly AnyJob[]): readonly QueueConfig[] {
  const known = [...new Set(jobs.map(({ queue }) => queue))];
  const routed = known.filter((name) =>
    capabilitiesOf(name, jobs).some(({ name: c }) => isRouted(reader, c)),
  );
  const usual = routed.length > 0 ? routed : known;
  const entries = (reader.raw("QUEUES") ?? usual.join(",")).split(",").map((entry) => entry.trim());
  const queues = entries.flatMap((entry) => {
    const [name = "", count] = entry.split(/=(.*)/su).map((part) => part.trim());
    const concurrency = wholeNumber(1, 1000).safeParse(count ?? usualConcurrency(name, jobs));
    if (!known.includes(name)) {
      reader.problem(`QUEUES names "${name}", but the queues are ${known.join(", ")}.`);
      return [];
    }
    if (!concurrency.success)
      reader.problem(
        `QUEUES: how many of ${name} at once must be a whole number from 1 to 1000, as in ${name}=20.`,
      );
    // Also one with a wrong number: what its jobs need is told with it.
    return [{ name, concurrency: concurrency.data ?? 1 }];
  });
  if (new Set(queues.map(({ name }) => name)).size !== queues.length)
    reader.problem("QUEUES names a queue twice.");
  return queues;
}

/** Events wait for each other in batches, so more of them are worth having in hand. */
function usualConcurrency(queue: string, jobs: readonly AnyJob[]): string {
  return capabilitiesOf(queue, jobs).some(({ sinks }) => sinks) ? "200" : "20";
}

function capabilitiesOf(queue: string, jobs: readonly AnyJob[]): readonly Capability[] {
  return jobs.filter((job) => job.queue === queue).map(({ capability }) => capability as Capability);
}
