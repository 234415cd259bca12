import { type CircuitOptions, defaultCircuit } from "@understudy/resilience";
import type * as z from "zod";

import { type EnvReader, share, snakeCase, wholeNumber } from "./env.ts";
import type { RouteConfig } from "./route-config.ts";

/** "provider capability" -> when its circuit opens, and how it finds back. */
export type Circuits = ReadonlyMap<string, CircuitOptions>;

/** A probe counts as lost so long after its call should have been over. */
const LEASE_MARGIN_MS = 5000;

type Setting = Exclude<keyof CircuitOptions, "probeLeaseMs">;

const ms = (min: number): z.ZodType<number> => wholeNumber(min, 86_400_000);
const settings: Readonly<Record<Setting, readonly [suffix: string, schema: z.ZodType<number>]>> = {
  windowMs: ["WINDOW_MS", ms(100)],
  minCalls: ["MIN_CALLS", wholeNumber(1, 10_000)],
  failureRate: ["FAILURE_RATE", share],
  failuresInARow: ["FAILURES_IN_A_ROW", wholeNumber(1, 10_000)],
  slowMs: ["SLOW_MS", ms(10)],
  slowRate: ["SLOW_RATE", share],
  openMs: ["OPEN_MS", ms(100)],
  maxOpenMs: ["MAX_OPEN_MS", ms(100)],
  probeEveryMs: ["PROBE_EVERY_MS", ms(100)],
  rampMs: ["RAMP_MS", ms(0)],
  quorum: ["QUORUM", share],
};

/**
 * CIRCUIT_OPEN_MS is for all, CIRCUIT_STRIPE_OPEN_MS for one provider, CIRCUIT_STRIPE_PAYMENT_CHARGE_OPEN_MS for one of its
 * capabilities.
 */
export function readCircuits(
  reader: EnvReader,
  routes: ReadonlyMap<string, RouteConfig>,
  callTimeoutMs: number,
): Circuits {
  const usual = readOptions(
    "CIRCUIT",
    (name, schema) => reader.read(name, schema.optional()),
    {
      ...defaultCircuit,
      probeLeaseMs: callTimeoutMs + LEASE_MARGIN_MS,
    },
    reader,
  );
  const own = (prefix: string, fallback: CircuitOptions): CircuitOptions =>
    readOptions(prefix, (name, schema) => reader.override(name, schema), fallback, reader);
  return new Map(
    [...routes].flatMap(([capability, { providers }]) =>
      providers.map((provider) => {
        const ofProvider = own(`CIRCUIT_${snakeCase(provider)}`, usual);
        const prefix = `CIRCUIT_${snakeCase(provider)}_${snakeCase(capability)}`;
        return [`${provider} ${capability}`, own(prefix, ofProvider)] as const;
      }),
    ),
  );
}

function readOptions(
  prefix: string,
  read: (name: string, schema: z.ZodType<number>) => number | undefined,
  usual: CircuitOptions,
  reader: EnvReader,
): CircuitOptions {
  const said = Object.entries(settings).flatMap(([setting, [suffix, schema]]) => {
    const value = read(`${prefix}_${suffix}`, schema);
    return value === undefined ? [] : [[setting, value] as const];
  });
  const own: CircuitOptions = { ...usual, ...Object.fromEntries(said) };
  if (said.length > 0 && own.maxOpenMs < own.openMs)
    reader.problem(`${prefix}_MAX_OPEN_MS is wrong: must not be below ${prefix}_OPEN_MS.`);
  return own;
}
