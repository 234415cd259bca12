import type { AnyJob, AnyProvider } from "@understudy/core";

import { type EnvReader, snakeCase } from "./env.ts";

/** ROUTE_EMAIL_SEND=sendgrid,mailgun,smtp: which providers serve a capability, in order. */
export function readRoutes(
  reader: EnvReader,
  jobs: readonly AnyJob[],
  queues: readonly { readonly name: string }[],
  providers: Readonly<Record<string, AnyProvider>>,
): ReadonlyMap<string, readonly string[]> {
  const served = jobs.filter(({ queue }) => queues.some(({ name }) => name === queue));
  const capabilities = [...new Set(served.map(({ capability }) => capability.name as string))];
  return new Map(capabilities.map((capability) => [capability, readRoute(reader, capability, providers)]));
}

/** Whether anybody said who serves the capability. */
export function isRouted(reader: EnvReader, capability: string): boolean {
  return reader.raw(variableOf(capability)) !== undefined;
}

function variableOf(capability: string): string {
  return `ROUTE_${snakeCase(capability)}`;
}

function readRoute(
  reader: EnvReader,
  capability: string,
  providers: Readonly<Record<string, AnyProvider>>,
): readonly string[] {
  const variable = variableOf(capability);
  const able = Object.values(providers).filter(({ adapters }) =>
    adapters.some((adapter) => adapter.capability.name === capability),
  );
  const choice = able.map(({ name }) => name).join(", ");
  const value = reader.raw(variable);
  if (value === undefined) {
    reader.problem(`${variable} is not set. Name one or more of ${choice}, the preferred one first.`);
    return [];
  }
  const names = value.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!able.some((provider) => provider.name === name))
      reader.problem(`${variable} names "${name}", but ${capability} is served by ${choice}.`);
  }
  if (new Set(names).size !== names.length) reader.problem(`${variable} names a provider twice.`);
  return names.filter((name) => able.some((provider) => provider.name === name));
}
