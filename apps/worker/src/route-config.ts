import type { AnyJob, AnyProvider, Capability } from "@understudy/core";
import * as z from "zod";

import { type EnvReader, snakeCase, wholeNumber } from "./env.ts";

/** Who serves a capability. */
export interface RouteConfig {
  /** In order of preference. */
  readonly providers: readonly string[];
  /** When given, for each of them: they share the work so. */
  readonly weights?: ReadonlyMap<string, number>;
  /** The share of the work that a backup gets while it is not needed, so that it is known to work. */
  readonly keepWarm: number;
}

/** ROUTE_EMAIL_SEND=sendgrid,mailgun,smtp: which providers serve a capability, in order; or sendgrid=70,mailgun=30, by weight. */
export function readRoutes(
  reader: EnvReader,
  jobs: readonly AnyJob[],
  queues: readonly { readonly name: string }[],
  providers: Readonly<Record<string, AnyProvider>>,
): ReadonlyMap<string, RouteConfig> {
  const served = jobs.filter(({ queue }) => queues.some(({ name }) => name === queue));
  const usualWarm = reader.read("KEEP_WARM", warm.default(KEEP_WARM)) ?? 0;
  const capabilities = new Map<string, Capability>(
    served.map(({ capability }) => [capability.name, capability]),
  );
  return new Map(
    [...capabilities.values()].map((capability) => [
      capability.name,
      {
        ...readRoute(reader, capability, providers),
        keepWarm: readKeepWarm(reader, capability, usualWarm),
      },
    ]),
  );
}

/** Whether anybody said who serves the capability. */
export function isRouted(reader: EnvReader, capability: string): boolean {
  return reader.raw(variableOf(capability)) !== undefined;
}

function variableOf(capability: string): string {
  return `ROUTE_${snakeCase(capability)}`;
}

const weight = wholeNumber(1, 1000);

function readRoute(
  reader: EnvReader,
  { name: capability, sinks }: Pick<Capability, "name" | "sinks">,
  providers: Readonly<Record<string, AnyProvider>>,
): Omit<RouteConfig, "keepWarm"> {
  const variable = variableOf(capability);
  const able = Object.values(providers).filter(({ adapters }) =>
    adapters.some((adapter) => adapter.capability.name === capability),
  );
  const choice = able.map(({ name }) => name).join(", ");
  const value = reader.raw(variable);
  if (value === undefined) {
    reader.problem(`${variable} is not set. Name one or more of ${choice}, the preferred one first.`);
    return { providers: [] };
  }
  const entries = value.split(",").map((entry) => entry.split(/=(.*)/su).map((part) => part.trim()));
  const names = entries.map(([name = ""]) => name);
  for (const name of names) {
    if (!able.some((provider) => provider.name === name))
      reader.problem(`${variable} names "${name}", but ${capability} is served by ${choice}.`);
  }
  if (new Set(names).size !== names.length) reader.problem(`${variable} names a provider twice.`);
  const known = names.filter((name) => able.some((provider) => provider.name === name));
  if (entries.every(([, given]) => given === undefined)) return { providers: known };
  const weights = entries.map(([name = "", given]) => [name, weight.safeParse(given).data] as const);
  if (sinks === true) reader.problem(`${variable} has weights, but each of its providers gets every event.`);
  const wrong = weights.filter(([, one]) => one === undefined).map(([name]) => name);
  if (wrong.length > 0)
    reader.problem(
      `${variable}: the weight of ${wrong.join(", ")} must be a whole number from 1 to 1000, and either all have one or none, as in ${names.map((name) => `${name}=50`).join(",")}.`,
    );
  return { providers: known, weights: new Map(weights.map(([name, one = 1]) => [name, one])) };
}

const KEEP_WARM = 0.01;
const warmWords = "must be a number from 0 to 0.5";
const warm = z.coerce.number<string>(warmWords).min(0, warmWords).max(0.5, warmWords);

/** KEEP_WARM for all, KEEP_WARM_EMAIL_SEND for one. What must not happen twice, and sinks, are left out unless they are named. */
function readKeepWarm(reader: EnvReader, { name, duplicates, sinks }: Capability, usual: number): number {
  const isOff = duplicates === "forbidden" || sinks === true;
  return reader.override(`KEEP_WARM_${snakeCase(name)}`, warm) ?? (isOff ? 0 : usual);
}
