import type { AnyJob, AnyProvider, Capability } from "@understudy/core";
import type { CircuitOptions } from "@understudy/resilience";
import * as z from "zod";

import { type Env, EnvReader, wholeNumber } from "./env.ts";
import { readProviders } from "./provider-config.ts";
import { isRouted, readRoutes } from "./route-config.ts";

/** Everything this process was told, parsed once. */
export interface WorkerConfig {
  /** work: run jobs. janitor: sweep what failed to the dead letters, and look for jobs lost with their worker. */
  readonly role: (typeof roles)[number];
  readonly redisUrl: string;
  readonly namespace: string;
  readonly queues: readonly QueueConfig[];
  /** Capability name -> provider names in order. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
  /** Provider name -> its own configuration. */
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  readonly callTimeoutMs: number;
  /** Instead of what each provider says of its own look-ups; for sandboxes, whose books do not lag. */
  readonly lookUpAfterMs: number | undefined;
  readonly drainDeadlineMs: number;
  readonly lockMs: number;
  readonly stalledCheckMs: number;
  /** How much of each family's dead letters the janitor keeps; all of them without a bound. */
  readonly retention: {
    readonly maxAgeMs?: number;
    readonly maxLetters?: number;
    readonly maxBytes?: number;
  };
  readonly circuit: Pick<CircuitOptions, "windowMs" | "minCalls" | "failureRate" | "openMs" | "maxOpenMs">;
  readonly http: { readonly host: string; readonly port: number };
  readonly logLevel: (typeof logLevels)[number];
  /** Variables that are probably misspelt, a sentence each. */
  readonly suspicions: readonly string[];
}

export interface QueueConfig {
  readonly name: string;
  readonly concurrency: number;
}

export interface ProviderConfig {
  readonly settings: unknown;
  /** Calls a second for the account; Infinity when unlimited. */
  readonly perSecond: number;
  /** Calls at once from this process; Infinity when unlimited. */
  readonly concurrent: number;
}

const roles = ["both", "work", "janitor"] as const;
const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

const redisUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "") return false;
  return /^rediss?:$/u.test(url.protocol) && /^(?:\/\d*)?$/u.test(url.pathname);
}, "must look like redis://host:6379, redis://:password@host:6379/0 or rediss://host:6379");
const shareWords = "must be a number above 0, at most 1";
const share = z.coerce.number<string>(shareWords).gt(0, shareWords).max(1, shareWords);
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
  const role = reader.read("ROLE", z.enum(roles).default("both")) ?? "both";
  const routes = role === "janitor" ? new Map() : readRoutes(reader, jobs, queues, providers);
  const config = {
    role,
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
    providers: readProviders(reader, new Set([...routes.values()].flat()), providers, isProduction),
    callTimeoutMs: reader.read("CALL_TIMEOUT_MS", atLeast(100, 15_000)) ?? 0,
    lookUpAfterMs: readLookUpAfter(reader, isProduction),
    drainDeadlineMs: reader.read("DRAIN_DEADLINE_MS", atLeast(0, 25_000)) ?? 0,
    lockMs: reader.read("LOCK_MS", atLeast(1000, 60_000)) ?? 0,
    stalledCheckMs: reader.read("STALLED_CHECK_MS", atLeast(500, 30_000)) ?? 0,
    retention: readRetention(reader),
    circuit: readCircuit(reader),
    http: {
      host: reader.read("HTTP_HOST", z.string().default("127.0.0.1")) ?? "",
      port: reader.read("HTTP_PORT", wholeNumber(0, 65_535).default(8080)) ?? 0,
    },
    logLevel: reader.read("LOG_LEVEL", z.enum(logLevels).default("info")) ?? "info",
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

function readCircuit(reader: EnvReader): WorkerConfig["circuit"] {
  const openMs = reader.read("CIRCUIT_OPEN_MS", atLeast(100, 5000)) ?? 0;
  const maxOpenMs = reader.read("CIRCUIT_MAX_OPEN_MS", atLeast(100, 60_000)) ?? 0;
  if (openMs > 0 && maxOpenMs > 0 && maxOpenMs < openMs)
    reader.problem("CIRCUIT_MAX_OPEN_MS is wrong: must not be below CIRCUIT_OPEN_MS.");
  return {
    windowMs: reader.read("CIRCUIT_WINDOW_MS", atLeast(100, 10_000)) ?? 0,
    minCalls: reader.read("CIRCUIT_MIN_CALLS", wholeNumber(1, 10_000).default(5)) ?? 0,
    failureRate: reader.read("CIRCUIT_FAILURE_RATE", share.default(0.5)) ?? 0,
    openMs,
    maxOpenMs,
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
